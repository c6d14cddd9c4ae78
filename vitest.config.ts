import { defineConfig } from "vitest/config";

/** Two projects: what a file decides is tested beside it; what the product promises, in test/. */
export default defineConfig({
  test: {
    reporters: process.env.CI ? ["verbose"] : ["default"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["{plugins,kong,openai,redis,server,dev}/**/*.test.ts", "test/{,limits/}*.test.ts"],
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
