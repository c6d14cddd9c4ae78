// What Kong's questions ask of us, by method: as kong/runloop/plugin_servers/rpc/mp_rpc.lua (3.9) writes
// them and reads the answers.

import { dump } from "../kong/dump";
import { log } from "../stages/log";
import { result } from "./answers";
import { tell } from "./discreet";
import type { Question } from "./event";
import type { Events } from "./events";
import { type Instance, type Instances, RpcError } from "./instances";
import { tallyOf } from "./metrics";
import type { Rpc } from "./questions";

interface Served {
  instances: Instances;
  events: Events;
}

/** Answers the question, now or when its event moves on. */
type Method = (served: Served, argument: unknown, question: Question) => void;

// A step carries the result of one PDK call; Kong names it after the type of the result.
const steps = [
  ...["Step", "StepMultiMap", "StepCredential", "StepConsumer", "StepRoute", "StepService"],
  "StepMemoryStats",
];

const step: Method = ({ events }, argument, question) => {
  const { EventId, Data } = mapOf(argument);
  events.step(EventId, Data, false, question);
};

const stepError: Method = ({ events }, argument, question) => {
  const { EventId, Data } = mapOf(argument);
  events.step(EventId, Data, true, question);
};

const handleEvent: Method = ({ instances, events }, argument, question) => {
  const { InstanceId, EventName } = mapOf(argument);
  events.start(instances.find(InstanceId), `${EventName}`, question);
};

const startInstance: Method = ({ instances }, argument, question) => {
  const { Name, Config } = mapOf(argument);
  question.answer(result(statusOf(instances.start(Name, Config))));
};

/** A method whose answer is there at once. */
function tells(what: (instances: Instances, argument: unknown) => unknown): Method {
  return ({ instances }, argument, question) => question.answer(result(what(instances, argument)));
}

const methods: Record<string, Method> = {
  HandleEvent: handleEvent,
  ...Object.fromEntries(steps.map((name) => [name, step])),
  StepError: stepError,
  StartInstance: startInstance,
  CloseInstance: tells((instances, id) => statusOf(instances.close(id))),
  InstanceStatus: tells((instances, id) => statusOf(instances.find(id))),
  GetPluginInfo: tells((instances, name) => dump(instances.plugin(name))),
  GetStatus: tells(serverStatus),
};

const known = new Map(
  Object.entries(methods).map(([name, run]) => [
    `plugin.${name}`,
    { run, tally: tallyOf(`plugin.${name}`) },
  ]),
);
const unknown = tallyOf("unknown");

/** Answers one question, now or when its event moves on. Never throws. */
export function serve(served: Served, { method, argument }: Rpc, question: Question): void {
  const found = known.get(method);
  if (!found) {
    unknown.count++;
    question.fail(`method ${method.slice(0, 60)} is not known here`);
    return;
  }
  found.tally.count++;
  try {
    found.run(served, argument, question);
  } catch (error) {
    if (!(error instanceof RpcError)) log.error({ method, error: tell(error) }, "question failed");
    question.fail(error instanceof RpcError ? error.message : "the plugin server failed");
  }
}

function mapOf(argument: unknown): Record<string, unknown> {
  return typeof argument === "object" && argument !== null
    ? (argument as Record<string, unknown>)
    : {};
}

// Kong keeps Config of this answer and never reads it (plugin.lua, 3.9). It holds resolved vault
// references, so it stays here.
function statusOf({ plugin, id, startTime }: Instance): object {
  return { Name: plugin.name, Id: id, Config: {}, StartTime: startTime };
}

function serverStatus(instances: Instances): object {
  const plugins = [...instances.plugins.values()].map((plugin) => [
    plugin.name,
    { Name: plugin.name, Instances: instances.of(plugin).map(statusOf) },
  ]);
  return { Pid: process.pid, Plugins: Object.fromEntries(plugins) };
}
