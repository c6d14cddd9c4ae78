// The three PDK calls of llm-gateway, without its stages.

class Plugin {
  async access(kong) {
    const request = await kong.ctx.shared.get("llm");
    const consumer = await kong.client.getConsumer();
    await kong.ctx.shared.set("llm_decision", {
      plugins: ["gateway"],
      headers: { authorization: "Bearer sk-bench", "x-user": consumer.username },
      body: request.body,
      response_headers: { "X-LLM-Model": "gpt-4.1", "X-RateLimit-Remaining-Minute": "59" },
      ticket: '{"id":"b1b18c4157ccae2797be9961e0829f75","stages":{}}',
      keep: 65536,
    });
  }
}

module.exports = { Plugin, Schema: [], Version: "1.0.0", Priority: 1, Name: "gateway" };
