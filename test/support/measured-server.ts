// The plugin server of a test, with what can be read of it from outside, and how much of what went
// upstream it may have heard of.

import type { PluginServer } from "../../dev/plugin-server";
import type { ModelServer } from "../../stand-in/model-server";

export interface MeasuredPluginServer extends PluginServer {
  /** The text of /metrics. */
  metrics(): Promise<string>;
  /** The sum of a metric's samples that carry these labels; 0 where there is none. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  /** Whether /readyz says so. */
  ready(): Promise<boolean>;
}

/** How many answers of the upstream the plugin server that runs now may have heard of. */
export class Learned {
  private cleared = 0;
  private beforeRestart = 0;

  constructor(private readonly upstream: ModelServer) {
    const { clear } = upstream;
    upstream.clear = () => {
      this.cleared += upstream.requests.length;
      clear();
    };
  }

  restarted(): void {
    this.beforeRestart = this.sent;
  }

  get expected(): number {
    return this.sent - this.beforeRestart;
  }

  private get sent(): number {
    return this.cleared + this.upstream.requests.length;
  }
}

export function measured(server: PluginServer, learned: Learned): MeasuredPluginServer {
  const metrics = async () => (await fetch(`${server.healthUrl}/metrics`)).text();
  return {
    ...server,
    get pid() {
      return server.pid;
    },
    restart() {
      learned.restarted();
      return server.restart();
    },
    metrics,
    metric: async (name, labels = {}) => sumOf(await metrics(), name, labels),
    ready: async () => (await fetch(`${server.healthUrl}/readyz`)).ok,
  };
}

function sumOf(text: string, name: string, labels: Record<string, string>): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}
