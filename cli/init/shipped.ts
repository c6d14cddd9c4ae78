// The files of this package that `kong-llm init` starts from: kong.yaml, Compose, Helm values and
// objects for Kubernetes, as they are tested here.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Document, parseAllDocuments } from "yaml";

/** Beside us in the sources, beside dist in the package. */
const root = [join(__dirname, "../.."), join(__dirname, "../../..")].find((place) =>
  existsSync(join(place, "kong.yaml")),
);

/** @param head what the file says at its beginning, in place of what it says here */
export function shippedDocuments(file: string, head?: string): Document[] {
  const text = head === undefined ? textOf(file) : textOf(file).replace(/^(#.*\n)+/, "");
  const documents = [...parseAllDocuments(text, { merge: true })] as Document[];
  if (head) documents[0]!.commentBefore = head.replace(/^/gm, " ");
  return documents;
}

/** Its one document. */
export function shippedDocument(file: string, head?: string): Document {
  return shippedDocuments(file, head)[0]!;
}

function textOf(file: string): string {
  if (root === undefined) throw new Error("this installation has no kong.yaml to start from");
  return readFileSync(join(root, file), "utf8");
}

/** Documents as the files of this repository are written. */
export function written(...documents: Document[]): string {
  return (
    documents
      .map((document) => document.toString({ lineWidth: 0, flowCollectionPadding: false }))
      .join("---\n")
      .replace(/^---\n---\n/gm, "---\n")
      // A head stays apart from a document by an empty line; an object's words do not.
      .replace(/^((?:#.*\n)+)\n(?=apiVersion)/gm, "$1")
      .replace(/^(\s*[\w-]+: )\{([^{}]+)\}$/gm, "$1{ $2 }")
  );
}
