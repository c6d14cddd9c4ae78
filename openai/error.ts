// The shape of an error in OpenAI's API, as its SDKs read it: {"error": {message, type, param, code}}.
// https://platform.openai.com/docs/guides/error-codes

export interface ApiError {
  /** What was wrong, the value, what to do: one sentence. Never a key or a prompt. */
  message: string;
  type: string;
  code: string | null;
  param?: string | null;
}

export function errorBody({ message, type, param = null, code }: ApiError): string {
  return JSON.stringify({ error: { message, type, param, code } });
}
