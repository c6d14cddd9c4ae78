// helm-values/: that what each file says about the pod is true of the image and of kubernetes/, and the
// same in both.

import { describe, expect, it } from "vitest";
import { order } from "../kong/order";
import { documentsOf, type Entry, textOf, yamlFilesBelow } from "./support/yaml-files";

interface Container {
  name: string;
  image: string;
  command?: string[];
  restartPolicy?: string;
  startupProbe?: { exec: { command: string[] } };
  securityContext: { runAsUser: number; readOnlyRootFilesystem: boolean };
  resources: { requests: Entry };
  volumeMounts: { name: string; mountPath: string }[];
}

interface Values {
  image: { repository: string; tag: string };
  plugins: { preInstalled: string };
  env: Record<string, string>;
  customEnv: Record<string, unknown>;
  deployment: {
    initContainers: Container[];
    userDefinedVolumes: { name: string }[];
    userDefinedVolumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
  };
  ingressController: { enabled: boolean; resources?: { requests: Entry } };
  dblessConfig?: { secret: string };
  proxy: { type: string };
  admin: { enabled: boolean };
  manager: { enabled: boolean };
  resources: { requests: Entry };
  initContainerResources: { requests: Entry };
  containerSecurityContext: { runAsUser: number; readOnlyRootFilesystem: boolean };
  lifecycle: { preStop: { exec: { command: string[] } } };
  terminationGracePeriodSeconds: number;
  autoscaling: { minReplicas: number; maxReplicas: number };
}

const files = yamlFilesBelow("helm-values").sort();

function valuesOf(file: string): Values {
  return documentsOf(file)[0] as Values;
}

describe("helm-values/", () => {
  it("differ only in where the configuration comes from and who reaches the proxy", () => {
    const [dbless, controlled] = files.map((file) => {
      const { ingressController, dblessConfig, proxy, ...same } = valuesOf(file);
      return { same, own: { ingressController: ingressController.enabled, dblessConfig, proxy } };
    });
    expect(dbless!.same).toEqual(controlled!.same);
    expect(dbless!.own).toEqual({
      ingressController: false,
      dblessConfig: { secret: "kong-llm-config" },
      proxy: { type: "ClusterIP" },
    });
    expect(controlled!.own).toEqual({ ingressController: true, proxy: { type: "LoadBalancer" } });
  });
});

describe.each(files)("%s", (file) => {
  const values = valuesOf(file);
  const { deployment, env } = values;
  const [install, server] = deployment.initContainers as [Container, Container];
  const mountOf = (volume: string) =>
    deployment.userDefinedVolumeMounts.find(({ name }) => name === volume)!;

  it("loads plugins of ours, whose Lua, dumps and socket are where Kong looks", () => {
    const [clientKey, ...plugins] = values.plugins.preInstalled.split(",");
    expect(clientKey).toBe("llm-client-key");
    const { mountPath } = mountOf("kong-llm-files");
    expect(env.lua_package_path).toBe(`${mountPath}/?.lua;;`);
    expect(Object.keys(order)).toEqual(expect.arrayContaining(plugins));
    const servers = env.pluginserver_names!.split(",");
    expect(servers).toEqual(plugins.map((name) => name.replaceAll("-", "_")));
    for (const [index, name] of servers.entries()) {
      expect(env[`pluginserver_${name}_socket`]).toBe("/run/kong-llm/kong-llm.sock");
      expect(env[`pluginserver_${name}_query_cmd`]).toBe(
        `cat ${mountPath}/dumps/${plugins[index]}.json`,
      );
    }
  });

  it("writes Lua and dumps, then starts a server of the same version, before Kong", () => {
    const { mountPath } = install.volumeMounts[0]!;
    expect(install.command).toEqual(["kong-llm", "install", "--dir", mountPath]);
    expect(install.image).toBe(server.image);
    expect(install.restartPolicy).toBeUndefined();
    expect(server.restartPolicy).toBe("Always");
    expect(server.startupProbe?.exec.command).toEqual([
      "test",
      "-S",
      // The last that it opens: where the Lua asks.
      `${env.pluginserver_llm_gateway_socket}.ask`,
    ]);
    const directories = textOf("Dockerfile")
      .match(/mkdir -p (.+?) \\/)?.[1]
      ?.split(" ");
    expect(directories).toEqual(
      [server, install].map(({ volumeMounts }) => volumeMounts[0]!.mountPath),
    );
  });

  it("mounts only volumes that it defines, at the same place in every container", () => {
    const defined = deployment.userDefinedVolumes.map(({ name }) => name);
    for (const { name, mountPath } of [install, server].flatMap((each) => each.volumeMounts)) {
      expect(defined).toContain(name);
      expect(mountOf(name).mountPath).toBe(mountPath);
    }
  });

  it("gives Kong every variable that kong.yaml's vault references name", () => {
    const named = [...textOf("kong.yaml").matchAll(/\{vault:\/\/env\/([\w-]+)\}/g)];
    for (const [, name] of named) {
      expect(values.customEnv).toHaveProperty(name!.replaceAll("-", "_"));
    }
  });

  it("keeps the Admin API and Kong Manager to itself", () => {
    expect(values.admin.enabled).toBe(false);
    expect(values.manager.enabled).toBe(false);
    expect(env.admin_gui_listen).toBe("off");
  });

  it("runs everything as one user, on a read-only root, with requests to scale by", () => {
    const contexts = [
      values.containerSecurityContext,
      install.securityContext,
      server.securityContext,
    ];
    for (const context of contexts) {
      expect(context).toMatchObject({ runAsUser: 1000, readOnlyRootFilesystem: true });
    }
    expect(textOf("Dockerfile")).toMatch(/^USER 1000:1000$/m);
    const controller = values.ingressController.enabled ? [values.ingressController] : [];
    const requesting = [install, server, values, ...controller].map(
      ({ resources }) => resources!.requests,
    );
    for (const requests of [...requesting, values.initContainerResources.requests]) {
      expect(Object.keys(requests)).toEqual(["cpu", "memory"]);
    }
    expect(values.autoscaling).toMatchObject({ minReplicas: 3, maxReplicas: 20 });
  });

  it("lets a stream end before the pod is killed", () => {
    const [wait, timeout] = values.lifecycle.preStop.exec.command
      .slice(2)
      .map((option) => Number(option.split("=")[1]));
    const readTimeout = Number(/read_timeout: (\d+)/.exec(textOf("kong.yaml"))![1]) / 1000;
    expect(timeout).toBeGreaterThan(readTimeout);
    expect(values.terminationGracePeriodSeconds).toBeGreaterThan(wait! + timeout!);
  });
});
