// Loaded into a server under bench: a signal makes it collect its garbage, so that what is resident
// afterwards is what it keeps, and not what V8 has yet to throw away.

process.on("SIGUSR2", () => {
  for (let times = 0; times < 3; times++) global.gc();
});
