// Refuses every request.

const body = JSON.stringify({ error: { message: "Rate limit reached", type: "requests" } });

class Plugin {
  async access(kong) {
    await kong.response.exit(429, body, { "Content-Type": "application/json", "Retry-After": "3" });
  }
}

module.exports = { Plugin, Schema: [], Version: "1.0.0", Priority: 1, Name: "exit" };
