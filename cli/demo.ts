// kong-llm demo: the gateway on this machine, with stand-ins for Kong and for the model, to try it.

import type { Command } from "commander";
import { demoCommand } from "../dev/start";

export function addDemo(program: Command): void {
  program.addCommand(demoCommand());
}
