// A stream that fails on its way: the head has said 200, and an event tells of the error.

import type { ModelAnswer } from "./answers";
import type { Behaviour } from "./behaviour";

/** @param errorEvent how the API that was asked tells of an error in a stream */
export function failing(
  answer: ModelAnswer,
  errorEvent: string,
  { errorAfterChunks }: Behaviour,
): ModelAnswer {
  if (errorAfterChunks === undefined || !("chunks" in answer)) return answer;
  return { chunks: [...answer.chunks.slice(0, errorAfterChunks), errorEvent] };
}
