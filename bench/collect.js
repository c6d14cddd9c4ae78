// Loaded into a server under bench: a signal makes it collect its garbage, so that what is resident
// afterwards is what it keeps, and not what V8 has yet to throw away; it tells that in a file.

const { writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

process.on("SIGUSR2", () => {
  const before = process.memoryUsage();
  for (let times = 0; times < 3; times++) global.gc();
  const kept = join(tmpdir(), `kept-by-${process.pid}.json`);
  writeFileSync(kept, JSON.stringify({ ...process.memoryUsage(), before }));
});
