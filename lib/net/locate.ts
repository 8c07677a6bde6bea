import type { Message } from "../caffe/message.js";
import type { Span } from "../error.js";

export const spanOf = (_message: Message, _field?: string, _index?: number): Span | undefined => undefined;
