/**
 * An HTTP status as a label of a metric: anybody can write to an outcomes socket that is open to all,
 * and labels must stay bounded.
 */
export function statusLabel(status: number): string {
  return status >= 100 && status <= 599 ? `${status}` : "other";
}
