#!/usr/bin/env node
// The command line of kong-llm. Each command lives in its own file; stdout belongs to what was asked
// for (Kong reads dumps from it), everything else goes to stderr.

import { Command } from "commander";
import { version } from "../package.json";
import { addCache } from "./cache";
import { addDemo } from "./demo";
import { addDoctor } from "./doctor";
import { told } from "./given-file";
import { addInit } from "./init";
import { addInstall } from "./install";
import { addKeys } from "./keys";
import { addLimits } from "./limits";
import { addPrices } from "./prices";
import { addPrivacy } from "./privacy";
import { addRender } from "./render";
import { addRoute } from "./route";
import { addSchema } from "./schema";
import { addServe } from "./serve";
import { addUsage } from "./usage";
import { addValidate } from "./validate";

const program = new Command("kong-llm")
  .description("Plugin server and tools of the LLM gateway for Kong Gateway OSS 3.9")
  .version(version, "-V, --version", "print the version")
  .showHelpAfterError("(kong-llm --help lists the commands)");

addInit(program);
addServe(program);
addSchema(program);
addInstall(program);
addRender(program);
addValidate(program);
addDoctor(program);
addLimits(program);
addKeys(program);
addUsage(program);
addCache(program);
addPrices(program);
addRoute(program);
addPrivacy(program);
addDemo(program);

// A reader that has seen enough, as head has, ends a command as it does others: without a word, by the
// code that shells give for SIGPIPE.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(141);
  });
}

program.parseAsync().catch((error: Error) => {
  process.stderr.write(`kong-llm: ${told(error)}\n`);
  process.exitCode = 1;
});
