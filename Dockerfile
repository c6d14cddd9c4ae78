# The plugin server of kong-llm, and what writes the Lua files and dumps that Kong reads of its plugins.
#   docker build -t kong-llm:0.2.0 .
#   docker build -t kong-llm-model-server:0.2.0 --target model-server .     the stand-in upstream, for demos
ARG NODE=node:24-alpine

FROM ${NODE} AS build
WORKDIR /opt/kong-llm
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM ${NODE} AS dependencies
WORKDIR /opt/kong-llm
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM build AS model-server
ENV MODEL_SERVER_ADDRESS=0.0.0.0:8080
USER 1000:1000
EXPOSE 8080
CMD ["node", "--import", "tsx", "stand-in/model-server/main.ts"]

FROM ${NODE} AS plugin-server
WORKDIR /opt/kong-llm
COPY --from=dependencies /opt/kong-llm/node_modules node_modules
COPY --from=build /opt/kong-llm/dist dist
# What `kong-llm init` and `kong-llm demo` start from.
COPY package.json LICENSE kong.yaml docker-compose.yml ./
COPY helm-values helm-values
COPY kubernetes kubernetes
# Volumes that are mounted here first take over the owner: the uid that Kong runs as beside it.
RUN chmod 755 dist/cli/main.js \
  && ln -s /opt/kong-llm/dist/cli/main.js /usr/local/bin/kong-llm \
  && mkdir -p /run/kong-llm /etc/kong-llm \
  && chown 1000:1000 /run/kong-llm /etc/kong-llm
# The option keeps the young objects of V8 in the processor's cache, and memory flat.
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=4 KONG_LLM_HEALTH_ADDRESS=0.0.0.0:9100
USER 1000:1000
EXPOSE 9100
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9100/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["kong-llm"]
CMD ["serve"]
