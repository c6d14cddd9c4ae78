// npm install openai
// GATEWAY_URL=https://llm.example.com/v1 GATEWAY_API_KEY=... node chat.mjs
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: process.env.GATEWAY_URL,
  apiKey: process.env.GATEWAY_API_KEY,
});
const messages = [{ role: "user", content: "Say hello in Korean." }];

// Headers tell who answered, with which model, and what is left of your limits.
const { data, response } = await client.chat.completions
  .create({ model: "gpt-4", messages })
  .withResponse();
console.log(data.choices[0].message.content);
for (const header of ["x-llm-source", "x-llm-model", "x-cache-status", "ratelimit-remaining", "x-kong-request-id"]) {
  console.log(`${header}: ${response.headers.get(header)}`);
}

// The SDK waits as Retry-After says and tries again, twice by default; then it throws.
try {
  const stream = await client.chat.completions.create({ model: "gpt-4", messages, stream: true });
  // The last chunk carries the usage and no choices.
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
  console.log();
} catch (error) {
  if (!(error instanceof OpenAI.RateLimitError)) throw error;
  console.log(`at the limit: ${error.message}`);
}
