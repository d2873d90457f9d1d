// Answers as server-sent events, which wait for whoever reads them, but not for ever.
import { ApiError, asApiError, errorBody } from "./api_error.ts";

/** How long a client may read nothing while there is something to read. */
export const UNREAD_MS = 30_000;

/** What a stream of events needs besides the events. */
export interface EventStreamOptions {
  /** Called once if the stream ends before its events do, so that nobody goes on making them. */
  readonly giveUp: () => void;
  /** Called with what is no fault of the request's. */
  readonly report: (error: unknown) => void;
  readonly unreadMs?: number;
}

/**
 * The body of a stream: each event when it is asked for, then `[DONE]`. An error is an event, because the status went out
 * long ago.
 */
export function eventStream(
  events: AsyncIterator<unknown, void, void>,
  { giveUp, report, unreadMs = UNREAD_MS }: EventStreamOptions,
): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const encode = (data: string) => new TextEncoder().encode(`data: ${data}\n\n`);
  const stop = () => {
    isOver = true;
    clearTimeout(timer);
    giveUp();
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(timer);
      let data = "[DONE]";
      let isLast = true;
      try {
        const next = await events.next();
        if (!next.done) [data, isLast] = [JSON.stringify(next.value), false];
      } catch (error) {
        data = JSON.stringify(errorBody(asApiError(error) ?? internal(error, report)));
      }
      // Meanwhile the client may have gone away.
      if (isOver) return;
      controller.enqueue(encode(data));
      if (isLast) {
        isOver = true;
        controller.close();
        return;
      }
      timer = setTimeout(() => {
        stop();
        controller.error(new Error("The client does not read"));
      }, unreadMs);
    },
    cancel: stop,
  }, { highWaterMark: 0 });
}

/** What whoever sent a request gets to see of a bug. */
export function internal(error: unknown, report: (error: unknown) => void): ApiError {
  report(error);
  return new ApiError(500, "Cannot answer: internal error. See what the server printed");
}
