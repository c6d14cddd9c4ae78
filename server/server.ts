// The plugin server as a whole: which parts there are, in which order they start, and how they stop.

import type { TokenSource } from "../page/token";
import { learnFrom } from "../stages/learn";
import { log } from "../stages/log";
import { delivery } from "../stages/outcome";
import { giveUpAfter } from "../stages/unheard";
import type { TelemetrySettings } from "../telemetry/settings";
import { startTelemetry } from "../telemetry/telemetry";
import { Asks } from "./asks";
import { converse } from "./connection";
import { type EventOptions, Events } from "./events";
import { defaultLimits } from "./frames";
import { type HealthAddress, type HealthPage, type HealthServer, serveHealth } from "./health";
import { type InstanceOptions, Instances } from "./instances";
import { Outcomes } from "./outcomes";
import { loadPlugins } from "./plugins";
import { serve } from "./rpc";
import { sharingOneBuffer } from "./shared-reading";
import { type ListeningSocket, listenOn, type SocketOptions } from "./socket";

export interface ServerOptions {
  /** Directory of plugins. */
  plugins: string;
  socket: SocketOptions;
  /** Where Kong's workers deliver outcomes; undefined: nowhere. */
  outcomes?: SocketOptions;
  /** Undefined: no health server. */
  health?: HealthAddress;
  /** What opens the operators' page of the health server; undefined: there is none. */
  page?: TokenSource;
  maxFrameBytes?: number;
  events?: Partial<EventOptions>;
  /** Seconds after which nobody is taken to tell the end of a request any more. */
  outcomeSeconds?: number;
  instances?: Partial<InstanceOptions>;
  /** Undefined: no telemetry. */
  telemetry?: TelemetrySettings;
}

/** Longer than requests last; one that lasts longer all the same is counted twice at the most, never free. */
const defaultOutcomeSeconds = 900;

export interface PluginServer {
  readonly events: Events;
  readonly instances: Instances;
  readonly health: HealthServer | undefined;
  /**
   * Takes no new connections, lets open events finish for at most `graceSeconds`, refuses those that
   * are left, and removes the sockets.
   */
  stop(graceSeconds?: number): Promise<void>;
}

/** Who wants no page need not have the plugins that it looks at: those of --plugins may be others. */
async function pageOpenedBy(token: TokenSource): Promise<HealthPage> {
  const { operatorsPage } = await import("../page/page.js");
  return operatorsPage(token);
}

/** Starts everything; the sockets exist when it settles. Throws when any part cannot start. */
export async function startServer(options: ServerOptions): Promise<PluginServer> {
  const state = { ready: false };
  // Before all that plugins ask for: what they need of a request depends on it.
  const telemetry = options.telemetry && (await startTelemetry(options.telemetry));
  const plugins = await loadPlugins(options.plugins);
  const instances = new Instances(plugins, options.instances);
  const events = new Events(options.events);
  const stopGivingUp = giveUpAfter(options.outcomeSeconds ?? defaultOutcomeSeconds, learnFrom);
  const asks = new Asks(instances, { timeoutSeconds: options.events?.timeoutSeconds });
  const outcomes = new Outcomes();
  const limits = { ...defaultLimits };
  if (options.maxFrameBytes !== undefined) limits.maxBytes = options.maxFrameBytes;

  const opened: ListeningSocket[] = [];
  let health: HealthServer | undefined;
  const close = async () => {
    state.ready = false;
    events.stop();
    asks.stop();
    stopGivingUp();
    instances.stop();
    await Promise.all(opened.map((socket) => socket.close()));
    await health?.close();
    await telemetry?.stop();
  };

  try {
    if (options.health) {
      health = await serveHealth(
        options.health,
        () => ({ ready: state.ready, plugins: [...plugins.keys()] }),
        options.page && (await pageOpenedBy(options.page)),
      );
    }
    if (options.outcomes) {
      const listening = await listenOn(options.outcomes, (socket) => outcomes.receive(socket));
      opened.push(listening);
      delivery.socket = listening.path;
    }
    const served = { instances, events };
    const rpc = await listenOn(
      options.socket,
      (socket) => converse(socket, limits, (message, question) => serve(served, message, question)),
      sharingOneBuffer,
    );
    opened.push(rpc);
    // Beside it, where a driver in Kong finds it without a setting of its own.
    const ask = { ...options.socket, path: `${rpc.path}.ask` };
    opened.push(await listenOn(ask, (socket) => asks.receive(socket), sharingOneBuffer));
    state.ready = true;
    log.info({ socket: rpc.path, plugins: [...plugins.keys()] }, "plugin server is listening");
  } catch (error) {
    await close();
    throw error;
  }

  return {
    events,
    instances,
    health,
    async stop(graceSeconds = 10) {
      state.ready = false;
      for (const socket of opened) socket.refuseNew();
      const grace = AbortSignal.timeout(graceSeconds * 1000);
      await Promise.race([
        Promise.all([events.drained(), asks.drained()]),
        new Promise((expired) => grace.addEventListener("abort", expired)),
      ]);
      await outcomes.drained();
      await close();
    },
  };
}
