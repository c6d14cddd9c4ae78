# pip install openai
# GATEWAY_URL=https://llm.example.com/v1 GATEWAY_API_KEY=... python chat.py
import os

from openai import OpenAI, RateLimitError

client = OpenAI(base_url=os.environ["GATEWAY_URL"], api_key=os.environ["GATEWAY_API_KEY"])
question = [{"role": "user", "content": "Say hello in Korean."}]

# Headers tell who answered, with which model, and what is left of your limits.
answer = client.chat.completions.with_raw_response.create(model="gpt-4", messages=question)
print(answer.parse().choices[0].message.content)
for header in ("x-llm-source", "x-llm-model", "x-cache-status", "ratelimit-remaining", "x-kong-request-id"):
    print(f"{header}: {answer.headers.get(header)}")

# The SDK waits as Retry-After says and tries again, twice by default; then it raises.
try:
    for chunk in client.chat.completions.create(model="gpt-4", messages=question, stream=True):
        # The last chunk carries the usage and no choices.
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()
except RateLimitError as error:
    print(f"at the limit: {error.message}")
