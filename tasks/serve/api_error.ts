// What goes wrong with a request, in the form that OpenAI's API has for it.
import { isForPeople } from "../../lib/errors.ts";
import { QueueFullError, TextTooLongError } from "../../lib/generate/batch_errors.ts";
import { NoTokenError } from "../../lib/generate/sampling.ts";
import { JsonFieldError } from "../../lib/io/json_fields.ts";

/** What of an error a program can tell apart. */
export interface ApiErrorDetails {
  /** The field of the request that is wrong. */
  readonly param?: string;
  /** A word for the error. */
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that cannot be answered. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(readonly status: number, message: string, readonly details: ApiErrorDetails = {}) {
    super(message);
  }
}

/** The same error for whoever sent the request; `undefined` if it is no fault of theirs, but a bug. */
export function asApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof QueueFullError) {
    return new ApiError(429, error.message, { code: "queue_full", headers: { "retry-after": "1" } });
  }
  if (error instanceof TextTooLongError) {
    return new ApiError(400, error.message, { code: "context_length_exceeded", param: "max_tokens" });
  }
  if (error instanceof JsonFieldError) return new ApiError(400, error.message, { param: error.field });
  // A damaged model is no fault of a request.
  if (error instanceof NoTokenError) return new ApiError(500, error.message, { code: "no_token" });
  return error instanceof Error && isForPeople(error) ? new ApiError(400, error.message) : undefined;
}

/** The JSON of an error. */
export function errorBody({ status, message, details: { param, code } }: ApiError): unknown {
  return { error: { message, type: typeOf(status), param: param ?? null, code: code ?? null } };
}

export function errorResponse(error: ApiError): Response {
  return Response.json(errorBody(error), { status: error.status, headers: error.details.headers });
}

/** OpenAI's word for a kind of error. */
function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
