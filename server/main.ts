#!/usr/bin/env node
// The command line of kong-llm. Each command lives in its own file; stdout belongs to what was asked
// for (Kong reads dumps from it), everything else goes to stderr.

import { Command } from "commander";
import { addDoctor } from "./command-doctor";
import { addRender } from "./command-render";
import { addSchema, defaultPlugins } from "./command-schema";
import { addServe } from "./command-serve";
import { addValidate } from "./command-validate";
import { addPluginCommands } from "./plugin-commands";

const program = new Command("kong-llm")
  .description("Plugin server and tools of the LLM gateway for Kong Gateway OSS 3.9")
  .showHelpAfterError("(kong-llm --help lists the commands)");

for (const add of [addServe, addSchema, addRender, addValidate, addDoctor]) add(program);

addPluginCommands(program, defaultPlugins, process.argv[2])
  .then(() => program.parseAsync())
  .catch((error: Error) => {
    process.stderr.write(`kong-llm: ${error.message}\n`);
    process.exitCode = 1;
  });
