/** A kong.yaml that cannot be used; the message is for the operator, and never shows a key. */
export class DeclarativeError extends Error {}
