// YAML as Kong (lyaml), decK and Kubernetes (sigs.k8s.io/yaml) read it, which is version 1.1: yes and on are
// booleans there, 0123 and 1_000 numbers.

import type { DocumentOptions, ParseOptions, SchemaOptions } from "yaml";

export const yaml11: ParseOptions & DocumentOptions & SchemaOptions = {
  version: "1.1",
  merge: true,
  // decK and Kubernetes make no date of a text, and no minutes of 1:30.
  customTags: (tags) =>
    tags.filter((one) => {
      if (typeof one === "string") return true;
      return one.format !== "TIME" && one.tag !== "tag:yaml.org,2002:timestamp";
    }),
};
