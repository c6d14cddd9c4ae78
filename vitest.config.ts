import { defineConfig } from "vitest/config";

// A busy machine is no failure: how soon something is done is for the bench to say. So what is waited for
// has time, and a test that hangs is noticed all the same.
const patience = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 60_000 } },
};

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
          ...patience,
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "built",
          include: ["test/built/*.test.ts"],
          globalSetup: "test/built/build.ts",
          ...patience,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: "test/built/build.ts",
          ...patience,
          // Each file starts processes of its own, and waits a lot; a real Kong brings workers too.
          maxWorkers: process.env.GATEWAY === "kong" ? 1 : 4,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
