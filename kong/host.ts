// What plugins and the plugin server that runs them tell each other, without importing each other.

/** What the server knows about itself. Under kong-js-pluginserver it stays empty. */
export const host: {
  /** Unix socket where report.lua delivers outcomes. */
  outcomesSocket?: string;
} = {};

/** One dependency of the plugins, for /readyz: `ok: false` means the gateway works without it. */
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
