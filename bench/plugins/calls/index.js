// Eight small PDK calls in one event, as many as a plugin makes that looks at a request.

class Plugin {
  async access(kong) {
    await kong.request.getMethod();
    await kong.request.getPath();
    await kong.request.getHeader("content-type");
    await kong.request.getHeader("x-request-id");
    await kong.client.getConsumer();
    await kong.ctx.shared.get("llm");
    await kong.service.request.setHeader("x-checked", "1");
    await kong.ctx.shared.set("checked", { by: "calls", at: 1 });
  }
}

module.exports = { Plugin, Schema: [], Version: "1.0.0", Priority: 1, Name: "calls" };
