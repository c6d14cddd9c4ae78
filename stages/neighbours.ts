// What the plugins depend on beside Kong, as an operator sees it in /readyz: each tells its own state.

/** One dependency of the plugins: `ok: false` means the gateway works without it. */
export interface NeighbourState {
  ok: boolean;
  /** A sentence for the operator. */
  detail: string;
}

const neighbours = new Map<string, () => NeighbourState>();

/** Makes the state of a neighbour (a Redis, the embedded store) visible in /readyz. */
export function showNeighbour(name: string, state: () => NeighbourState): void {
  neighbours.set(name, state);
}

export function neighbourStates(): Record<string, NeighbourState> {
  return Object.fromEntries([...neighbours].map(([name, state]) => [name, state()]));
}
