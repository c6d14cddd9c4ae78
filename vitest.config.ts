import { defineConfig } from "vitest/config";

/**
 * Three projects: what a file decides is tested beside it, what the product promises in test/, and
 * what is shipped in test/built/, which builds first.
 */
export default defineConfig({
  test: {
    reporters: process.env.CI ? ["verbose"] : ["default"],
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{anthropic,cli,dev,doctor,families,kong,models,openai,page,personal-data,plugins,redis,server,stages,stand-in,telemetry,validate}/**/*.test.ts",
            "test/{,limits/,personal-data/}*.test.ts",
          ],
          setupFiles: "test/support/watch-scripts.ts",
          // A busy machine is no failure: how soon something is done is for the bench to say.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "built",
          include: ["test/built/*.test.ts"],
          globalSetup: "test/built/build.ts",
          testTimeout: 30_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: "test/built/build.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each file starts processes of its own, and waits a lot; a real Kong brings workers too.
          maxWorkers: process.env.GATEWAY === "kong" ? 1 : 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
