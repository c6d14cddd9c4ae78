import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Command } from "commander";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { isOurKey } from "../kong/consumer-key";
import { renderDeclarative } from "../kong/declarative";
import { validate } from "../validate/validate";
import { addInit } from "./init";
import { ask } from "./init/ask";
import { platforms } from "./init/wanted";
import { defaultPlugins } from "./schema";
import { checkedPlugins } from "./validate";

let folder: string;
let plugins: Awaited<ReturnType<typeof checkedPlugins>>;

beforeAll(async () => {
  plugins = await checkedPlugins(defaultPlugins);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kong-llm-init-"));
  vi.stubEnv("HOLYSHEEP_API_KEY", "sk-made-up-for-a-test");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

async function init(...words: string[]): Promise<{ out: string; told: string }> {
  const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const told = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const printed = (spy: typeof out) => spy.mock.calls.map(([text]) => text).join("");
  try {
    const program = new Command().exitOverride();
    addInit(program);
    for (const command of program.commands) command.exitOverride();
    await program.parseAsync(["init", "--dir", folder, ...words], { from: "user" });
    return { out: printed(out), told: printed(told) };
  } finally {
    out.mockRestore();
    told.mockRestore();
  }
}

const file = (name: string) => readFileSync(join(folder, name), "utf8");
const objects = (name: string) =>
  parseAllDocuments(file(name), { merge: true }).map((document) => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
    return document.toJS();
  });
const mode = (name: string) => statSync(join(folder, name)).mode & 0o777;
const yamls = () => readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const keyIn = (told: string) => told.trim().split("\n").at(-1)!;

function findings() {
  const files = yamls().map((name) => ({ file: name, text: file(name) }));
  return validate(files, { plugins, together: false });
}

describe("kong-llm init", () => {
  describe.each(platforms)("for %s", (platform) => {
    const inCluster = !["compose", "host"].includes(platform);
    const envFile = platform === "host" ? "systemd/kong.service.d/kong-llm.env" : ".env";
    const secretFiles = inCluster ? [envFile, "secrets.yaml"] : [envFile];

    it.each(["stand-in", "https://api.example.com:8443/gateway/v1/"])(
      "writes what validate finds nothing in, for %s",
      async (upstream) => {
        await init("--platform", platform, "--upstream", upstream, "--consumer", "team-search");
        expect(yamls()).toContain("kong.yaml");
        expect(findings()).toEqual([]);
        const key = { DECK_TEAM_SEARCH_API_KEY: "a-key" };
        expect(renderDeclarative(file("kong.yaml"), key)).toContain("team-search");
      },
    );

    it("keeps secrets in files of their owner, and prints the client's key once", async () => {
      const { out, told } = await init("--platform", platform, "--consumer", "team-search");
      const key = keyIn(told);
      expect(isOurKey(key)).toBe(true);
      expect(told.split(key)).toHaveLength(2);
      const secrets = secretFiles.flatMap((name) =>
        [...file(name).matchAll(/(?:=|key: |password: )(\S{9,})$/gm)].map(([, value]) => value!),
      );
      expect(secrets).toEqual(expect.arrayContaining([key, "sk-made-up-for-a-test"]));
      for (const name of readdirSync(folder, { recursive: true }).map(String)) {
        if (statSync(join(folder, name)).isDirectory()) continue;
        expect(mode(name), name).toBe(secretFiles.includes(name) ? 0o600 : 0o644);
        if (secretFiles.includes(name)) continue;
        for (const secret of secrets) expect(file(name)).not.toContain(secret);
      }
      for (const secret of secrets) expect(out).not.toContain(secret);
    });

    it("says what to do next, in a file too, and what value is lacking", async () => {
      vi.stubEnv("HOLYSHEEP_API_KEY", "");
      const { out } = await init("--platform", platform);
      const [, commands] = /```sh\n(.*?)```/s.exec(file("README.md"))!;
      expect(out).toContain(commands!);
      expect(out).toContain(`for CHANGEME in ${secretFiles.join(" and ")}`);
      expect(commands!.trim()).toMatch(/curl -i [^\n]*\/v1\/chat\/completions [^\n]*\n.*$/);
    });
  });

  it("puts in what was answered", async () => {
    await init(
      ...["--platform", "kind", "--upstream", "https://api.example.com:8443/gateway/v1"],
      ...["--consumer", "team-search", "--requests-per-minute", "60"],
    );
    const [kong] = objects("kong.yaml");
    const [service] = kong.services;
    const upstream = { protocol: "https", host: "api.example.com", port: 8443, path: "/gateway" };
    expect(service).toMatchObject(upstream);
    const { config } = service.plugins.find(({ name }: { name: string }) => name === "llm-gateway");
    expect(config.rate_limit.requests).toEqual({ minute: 60 });
    expect(kong.consumers).toMatchObject([{ username: "team-search" }]);
    const made = objects("objects.yaml");
    expect(made).toContainEqual(expect.objectContaining({ plugin: "llm-gateway", config }));
    const find = (kind: string, name: string) =>
      made.find((object) => object.kind === kind && object.metadata.name === name);
    expect(find("Service", "llm-upstream")).toMatchObject({
      metadata: {
        annotations: {
          "konghq.com/host-header": "api.example.com:8443",
          "konghq.com/path": "/gateway",
        },
      },
      spec: { externalName: "api.example.com", ports: [{ port: 8443 }] },
    });
    expect(find("Ingress", "llm").spec.rules[0].http.paths[0].backend.service).toEqual({
      name: "llm-upstream",
      port: { number: 8443 },
    });
    expect(find("NetworkPolicy", "gateway").spec.egress.at(-1).ports).toEqual([{ port: 8443 }]);
  });

  it.each(["/v1", "/v1/", "/v1/chat/completions", "/v1/models"])(
    "takes what stands behind the address of an API for what requests bring: %s",
    async (behind) => {
      await init("--platform", "compose", "--upstream", `https://api.example.com/openai${behind}`);
      const [service] = objects("kong.yaml")[0].services;
      expect(service).toMatchObject({ host: "api.example.com", path: "/openai" });
    },
  );

  it("runs the stand-in model where there is no upstream", async () => {
    await init("--platform", "minikube", "--upstream", "stand-in");
    const made = objects("objects.yaml");
    const [service, deployment] = ["Service", "Deployment"].map((kind) =>
      made.findLast((object) => object.kind === kind),
    );
    expect(service.spec.selector).toEqual(deployment.spec.template.metadata.labels);
    expect(deployment.spec.template.spec.containers[0].args[0]).toBe("stand-in");
    expect(file("secrets.yaml")).toContain("holysheep-api-key: stand-in");

    await init("--platform", "compose", "--upstream", "stand-in", "--force");
    const [{ services, volumes }] = objects("docker-compose.yml");
    expect(services["model-server"].command).toEqual(["stand-in", "--address", "0.0.0.0:8080"]);
    expect(objects("kong.yaml")[0].services[0]).toMatchObject({ host: "model-server", port: 8080 });
    for (const { build, image } of [services.prepare, services["plugin-server"]]) {
      expect({ build, image }).toEqual({ build: ".", image: expect.stringContaining("kong-llm:") });
    }
    const mounted = Object.values<{ volumes?: string[] }>(services).flatMap(
      (one) => one.volumes?.map((text) => text.split(":")[0]!) ?? [],
    );
    for (const name of mounted) {
      expect([...Object.keys(volumes), ...readdirSync(folder).map((one) => `./${one}`)]).toContain(
        name,
      );
    }
    const named = [...file("docker-compose.yml").matchAll(/\$\{(\w+):\?/g)].map(
      ([, name]) => name!,
    );
    for (const name of named) expect(file(".env")).toContain(`${name}=`);
  });

  it("names a folder as a shell takes it", async () => {
    const { out } = await init("--dir", join(folder, "it's 우리"));
    expect(out).toContain(`\ncd '${folder}/it'\\''s 우리'\n`);
    const plain = await init("--dir", join(folder, "plain"));
    expect(plain.out).toContain(`\ncd ${folder}/plain\n`);
  });

  it("needs no image to be built where a registry has one", async () => {
    const image = "registry.example.com/kong-llm:1";
    const { out } = await init(
      "--platform",
      "kubernetes",
      "--image",
      image,
      "--host",
      "ai.example.com",
    );
    expect(out).not.toContain("docker");
    expect(out).toMatch(/curl -i .*https:\/\/ai\.example\.com\/v1\//);
    expect(readdirSync(folder)).not.toContain("Dockerfile");
    const [{ deployment }] = objects("values.yaml");
    expect(deployment.initContainers.map((one: { image: string }) => one.image)).toEqual([
      image,
      image,
    ]);
  });

  it("gives a host units whose paths and variables agree with each other", async () => {
    await init("--platform", "host", "--upstream", "stand-in");
    const unit = file("systemd/kong-llm.service");
    expect(unit).toMatch(/^ExecStart=\/usr\/bin\/env kong-llm serve --socket-mode 0660$/m);
    expect(unit).toContain("RuntimeDirectory=kong-llm\n");
    const dropIn = file("systemd/kong.service.d/kong-llm.conf");
    expect(dropIn).toContain("_SOCKET=/run/kong-llm/kong-llm.sock\n");
    expect(dropIn).toContain("EnvironmentFile=/etc/systemd/system/kong.service.d/kong-llm.env\n");
    expect(mode("systemd/kong.service.d/kong-llm.env")).toBe(0o600);
    expect(objects("kong.yaml")[0].services[0]).toMatchObject({ host: "127.0.0.1", port: 9080 });
    expect(file("systemd/kong-llm-stand-in.service")).toContain("--address 127.0.0.1:9080\n");
  });

  it("writes nothing over what is there, and nothing besides, unless it is forced", async () => {
    writeFileSync(join(folder, "kong.yaml"), "mine\n", { mode: 0o666 });
    writeFileSync(join(folder, ".env"), "mine\n", { mode: 0o644 });
    writeFileSync(join(folder, ".gitignore"), "mine\n");
    await expect(init("--platform", "compose")).rejects.toThrow(/kong\.yaml, .*\.env; .*--force/);
    expect(readdirSync(folder).sort()).toEqual([".env", ".gitignore", "kong.yaml"]);
    expect(file("kong.yaml")).toBe("mine\n");

    await init("--platform", "compose", "--force");
    expect(file("kong.yaml")).toContain("llm-gateway");
    expect(mode(".env")).toBe(0o600);
    expect(file(".gitignore")).toBe("mine\n");
  });

  it.each([
    ["--platform", "nomad", /none of compose, host/],
    ["--upstream", "https://user:secret@api.example.com", /without a key in it/],
    ["--upstream", "api.example.com", /https:\/\/HOST/],
    ["--consumer", "Team Search", /lower case letters/],
    ["--requests-per-minute", "0", /whole number above 0/],
    ["--requests-per-minute", "1e12", /whole number above 0/],
    ["--host", "LLM_example", /lower case/],
  ])("takes no %s %s", async (flag, value, message) => {
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await expect(init(flag, value)).rejects.toThrow(message);
    said.mockRestore();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("puts no value into an env file that a shell would read otherwise", async () => {
    vi.stubEnv("HOLYSHEEP_API_KEY", "a $(key) 'of' sorts");
    await expect(init("--platform", "host")).rejects.toThrow(/^the value of HOLYSHEEP_API_KEY has/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("the questions", () => {
  const terminal = () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    let shown = "";
    output.on("data", (text) => {
      shown += text;
    });
    return { input, output, shown: () => shown };
  };

  it("are four, take a default for an empty line, and come again after a mistake", async () => {
    const { input, output, shown } = terminal();
    const asked = ask(input, output);
    for (const [at, line] of ["clouds", "kind", "stand-in", "", "60"].entries()) {
      await expect.poll(() => shown().split("] ").length).toBeGreaterThan(at + 1);
      input.write(`${line}\n`);
    }
    expect(await asked).toEqual({
      platform: "kind",
      upstream: undefined,
      consumer: "demo-app",
      requestsPerMinute: 60,
    });
    expect(shown()).toContain('"clouds" is none of compose');
  });

  it("end where the terminal is left", async () => {
    const { input, output } = terminal();
    const asked = ask(input, output);
    input.end();
    await expect(asked).rejects.toThrow(/abort/i);
  });
});
