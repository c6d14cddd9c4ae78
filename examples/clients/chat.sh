#!/bin/sh
# GATEWAY_URL=https://llm.example.com/v1 GATEWAY_API_KEY=... sh chat.sh
set -eu

# The models that your key may use.
curl -sS --fail-with-body "$GATEWAY_URL/models" -H "x-api-key: $GATEWAY_API_KEY"

# An answer, with the headers that tell who gave it (x-llm-source) and what is left (ratelimit-remaining).
curl -sS -i "$GATEWAY_URL/chat/completions" \
  -H "x-api-key: $GATEWAY_API_KEY" -H 'content-type: application/json' \
  -d '{"model": "gpt-4", "messages": [{"role": "user", "content": "Say hello in Korean."}]}'

# A stream: -N prints each chunk as it comes.
curl -sS -N "$GATEWAY_URL/chat/completions" \
  -H "x-api-key: $GATEWAY_API_KEY" -H 'content-type: application/json' \
  -d '{"model": "gpt-4", "stream": true, "messages": [{"role": "user", "content": "Say hello in Korean."}]}'
