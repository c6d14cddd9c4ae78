// Where a server's CPU time went: the samples of V8's profiler, counted by whose code they fell into.

/** As V8 writes it: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
}

/** The shares of all samples that did not wait, largest first. */
export function sharesOf({ nodes, samples }: Profile): string {
  const ownerOf = new Map(nodes.map(({ id, callFrame }) => [id, owner(callFrame)]));
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const name = ownerOf.get(sample);
    if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const busy = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${Math.round((count / busy) * 100)} %`)
    .join(", ");
}

const owners: [RegExp, string][] = [
  [/\/bench\/json-frames\.js/, "JSON"],
  [/node_modules\/(msgpackr)/, "MessagePack"],
  [/node_modules\/(ioredis|@ioredis|redis-)/, "Redis client"],
  [/node_modules\//, "other libraries"],
  [/\/dist\/server\/(frames|message-pack|questions|answers)\.js/, "MessagePack"],
  [/\/dist\/server\//, "our plugin server"],
  [/\/dist\//, "our stages"],
  [/^node:/, "Node's own JavaScript"],
];

function owner({ functionName, url }: { functionName: string; url: string }): string | undefined {
  if (functionName === "(idle)" || functionName === "(root)") return undefined;
  if (functionName === "(garbage collector)") return "garbage collection";
  if (functionName === "(program)") return "Node and the kernel";
  return owners.find(([pattern]) => pattern.test(url))?.[1] ?? "Node and the kernel";
}
