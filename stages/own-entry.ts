// What a stage of this process has noted of a request, with the stage itself: nothing is sought or read
// again when that request has ended. What comes back over a socket is a plain entry.

import type { PreparedStage } from "./stage";
import type { StageEntry } from "./ticket";

export class OwnEntry implements StageEntry {
  readonly options: string;
  declare note?: unknown;
  // Not to be written into the ticket.
  readonly #stage: PreparedStage;

  constructor(stage: PreparedStage) {
    this.options = stage.options;
    this.#stage = stage;
  }

  get stage(): PreparedStage {
    return this.#stage;
  }
}
