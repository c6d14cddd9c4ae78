// Mistakes in what aliases say of providers: models that none of them serves, or that several do.

import { error, type Mistake, warning } from "../../stages/mistake";
import { type Providers, providersOf } from "./providers";
import type { ModelsOptions } from "./schema";

export function providerTraps({ aliases, providers: options }: ModelsOptions): Mistake[] {
  if (options.length === 0) return [];
  const providers = providersOf(options);
  return aliases.flatMap(({ target, targets, fallbacks }, index) => {
    const named = [
      ...(target === "" ? [] : [{ name: target, path: ["target"] }]),
      ...targets.map(({ model }, place) => ({ name: model, path: ["targets", place, "model"] })),
      ...fallbacks.map((name, place) => ({ name, path: ["fallbacks", place] })),
    ];
    return named.flatMap(({ name, path }) =>
      mistakesOf(name, ["aliases", index, ...path], providers, options),
    );
  });
}

function mistakesOf(
  name: string,
  path: PropertyKey[],
  { locate, bare }: Providers,
  options: ModelsOptions["providers"],
): Mistake[] {
  const found = locate(name, "openai") ?? locate(name, "anthropic");
  if (!found) {
    return [error(path, "no-provider", `no provider serves "${name}": name it in its models`)];
  }
  if (bare(name) !== name) return [];
  const serving = options.filter((one) => locate(`${one.name}/${name}`, "openai"));
  const [first, second] = serving.map((one) => one.name);
  if (first === undefined || second === undefined) return [];
  const todo = `write "${first}/${name}", or name each in targets to share its requests`;
  const message = `${serving.length} providers serve "${name}", and the first is taken: ${todo}`;
  return [warning(path, "several-providers", message)];
}
