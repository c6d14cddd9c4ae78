// The image that Compose and Kubernetes run: one that a registry has, or one made of this package.

import { version } from "../../package.json";
import type { WrittenFile } from "./written-file";

export const ownImage = `kong-llm:${version}`;

/** Makes the image of the package of this version; PACKAGE may be another, or a file beside it. */
export const dockerfile: WrittenFile = {
  path: "Dockerfile",
  text: `# The plugin server, the files that Kong reads, and the stand-in model, of one version.
FROM node:24-alpine
ARG PACKAGE=kong-llm@${version}
RUN npm install --global "$PACKAGE" && npm cache clean --force
# Volumes that are mounted here first take over the owner: the uid that Kong runs as beside it.
RUN mkdir -p /run/kong-llm /etc/kong-llm && chown 1000:1000 /run/kong-llm /etc/kong-llm
# The option keeps the young objects of V8 in the processor's cache, and memory flat.
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=4 KONG_LLM_HEALTH_ADDRESS=0.0.0.0:9100
USER 1000:1000
ENTRYPOINT ["kong-llm"]
CMD ["serve"]
`,
};
