// kong-llm init: asks four things, or takes them as flags, and writes a gateway to begin with: kong.yaml,
// an env file, and what Compose, a host or Kubernetes needs, with the commands that come next.

import { type Command, Option } from "commander";
import { ask } from "./init/ask";
import { composePlan } from "./init/compose";
import { hostPlan } from "./init/host";
import { kubernetesPlan } from "./init/kubernetes";
import { missing, newSecrets, type Secrets } from "./init/secrets";
import { hostName, questions, type Wanted, wantedOf } from "./init/wanted";
import { type Plan, type Step, type WrittenFile, writeAll } from "./init/written-file";
import { shellWord } from "./shell-word";

interface InitFlags extends Partial<Record<keyof Wanted, string>> {
  dir: string;
  image?: string;
  host: string;
  force: boolean;
}

export function addInit(program: Command): void {
  const init = program
    .command("init")
    .description("write a gateway to begin with; asks four things, unless flags say them");
  for (const { flag, question, standard, parse } of Object.values(questions)) {
    init.addOption(
      new Option(flag, `${question} [${standard}]`).argParser((text) => checked(text, parse)),
    );
  }
  init
    .option("--dir <dir>", "where to write", ".")
    .option("--image <name>", "an image of kong-llm in a registry; without it, one is built")
    .addOption(
      new Option("--host <name>", "where clients ask, on a cluster of others")
        .argParser(hostName)
        .default("llm.example.com"),
    )
    .option("--force", "write over files that are there", false)
    .action(run);
}

/** As it was given, once it is known to be of use. */
function checked(text: string, parse: (text: string) => unknown): string {
  parse(text);
  return text;
}

async function run(flags: InitFlags): Promise<void> {
  const names = Object.keys(questions) as (keyof Wanted)[];
  const isAsked = names.every((name) => flags[name] === undefined) && process.stdin.isTTY;
  const wanted = isAsked ? await ask(process.stdin, process.stderr) : wantedOf(flags);
  const secrets = newSecrets(process.env.HOLYSHEEP_API_KEY, wanted.upstream === undefined);
  const plan = planOf(wanted, secrets, flags);
  const files = [...plan.files, toDo(plan), ignored];
  writeAll(flags.dir, files, flags.force);
  tell(wanted, plan, files, secrets, flags.dir);
}

function planOf(wanted: Wanted, secrets: Secrets, { image, host }: InitFlags): Plan {
  if (wanted.platform === "compose") return composePlan(wanted, secrets, image);
  if (wanted.platform === "host") return hostPlan(wanted, secrets);
  return kubernetesPlan(wanted, secrets, image, host);
}

const ignored: WrittenFile = {
  path: ".gitignore",
  text: ".env\n*.env\nsecrets.yaml\n",
  unlessThere: true,
};

function toDo({ files, steps }: Plan): WrittenFile {
  const secret = files.filter((file) => file.secret).map(({ path }) => `\`${path}\``);
  const text = `# This gateway

Written by \`kong-llm init\`. ${secret.join(" and ")}: readable to you alone, and for no repository.

\`\`\`sh
${commands(steps)}
\`\`\`

Before a change: \`kong-llm validate kong.yaml\`. To try it without Kong: \`kong-llm demo kong.yaml\`. More clients: \`kong-llm keys create\`. Is it guarding: \`kong-llm doctor\`.
`;
  return { path: "README.md", text };
}

function commands(steps: Step[]): string {
  return steps.map(({ why, command }) => `# ${why}\n${command}`).join("\n");
}

/** The key on stderr and once, as `kong-llm keys create` shows it. */
function tell(
  { consumer }: Wanted,
  { files: planned, steps }: Plan,
  files: WrittenFile[],
  { clientKey, upstreamKey }: Secrets,
  dir: string,
): void {
  const names = files.map(({ path }) => path).join(", ");
  const secret = planned.filter((file) => file.secret).map(({ path }) => path);
  const lacking =
    upstreamKey === missing
      ? `\nFirst put the upstream's key in for ${missing} in ${secret.join(" and ")}.\n`
      : "";
  const where = dir === "." ? "" : `cd ${shellWord(dir)}\n`;
  process.stdout.write(`wrote ${names}\n${lacking}\n${where}${commands(steps)}\n`);
  process.stderr.write(`the key of ${consumer}, which is not shown again:\n${clientKey}\n`);
}
