// What the server answers: OpenAI's API, and what an operator asks.
import { excerpt } from "../../lib/io/excerpt.ts";
import { isSame, LOCAL, refusalOf } from "../dashboard/access.ts";
import { ApiError, asApiError, errorResponse } from "./api_error.ts";
import { eventStream, internal } from "./event_stream.ts";
import { Metrics } from "./metrics.ts";
import { BODY_LIMITS, type BodyLimits, readFields } from "./read_body.ts";
import { type Answering, chat, complete, noSuchModel, type ServedModel } from "./text_service.ts";

/** What a server is made of. */
export interface ServeOptions {
  readonly model: ServedModel;
  /** What a request must bring; without one, requests must be to this machine by its own names. */
  readonly apiKey: string | undefined;
  /** The port that is served on, once that is known. */
  readonly port: () => number;
  /** Whether the server is about to stop: it takes no more requests for text. */
  readonly isStopping?: () => boolean;
  /** Called with each bug. */
  readonly report: (error: unknown) => void;
  readonly limits?: BodyLimits;
  /** How long a client may leave a stream unread. */
  readonly unreadMs?: number;
}

type Handler = (request: Request) => Promise<Response>;

/** One path's method, and its answer. */
interface Route {
  readonly method: "GET" | "POST";
  readonly answer: (request: Request) => Response | Promise<Response>;
}

const MODELS = "/v1/models";

const HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** Answers requests. */
export function serveHandler(options: ServeOptions): Handler {
  const { model, report, limits = BODY_LIMITS } = options;
  const { engine } = model.loaded;
  const metrics = new Metrics();
  const text = (answer: typeof chat) => async (request: Request) => {
    const begin = performance.now();
    const over = () => metrics.observe((performance.now() - begin) / 1000);
    if (options.isStopping?.()) throw new ApiError(503, "Cannot answer: the server is about to stop");
    const fields = await readFields(request, limits);
    const gone = new AbortController();
    const signal = AbortSignal.any([request.signal, gone.signal]);
    return await answerWith(answer(model, fields, signal), gone, over, options);
  };
  const describe = ({ id, created }: ServedModel) => ({ id, object: "model", created, owned_by: "bytelm" });
  const routes: Readonly<Record<string, Route>> = {
    "/health": { method: "GET", answer: () => health(options) },
    "/metrics": {
      method: "GET",
      answer: () =>
        new Response(metrics.text(engine.counts), {
          headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
        }),
    },
    [MODELS]: { method: "GET", answer: () => Response.json({ object: "list", data: [describe(model)] }) },
    "/v1/completions": { method: "POST", answer: text(complete) },
    "/v1/chat/completions": { method: "POST", answer: text(chat) },
  };
  const oneModel: Route = {
    method: "GET",
    answer: ({ url }) => {
      const name = new URL(url).pathname.slice(MODELS.length + 1);
      if (name !== encodeURIComponent(model.id)) throw noSuchModel(name, model.id);
      return Response.json(describe(model));
    },
  };
  return async (request) => {
    const { pathname } = new URL(request.url);
    const isKnown = Object.hasOwn(routes, pathname);
    const route = isKnown ? routes[pathname] : pathname.startsWith(`${MODELS}/`) ? oneModel : undefined;
    let response: Response;
    try {
      requireAccess(request, options, pathname);
      if (route === undefined) {
        const paths = Object.keys(routes).join(", ");
        throw new ApiError(404, `Cannot answer: got path ${excerpt(pathname)}, must be one of ${paths}`);
      }
      if (request.method !== route.method) {
        const message = `Cannot answer: got ${excerpt(request.method)} ${pathname}, must be ${route.method}`;
        throw new ApiError(405, message, { headers: { allow: route.method } });
      }
      response = await route.answer(request);
    } catch (error) {
      response = errorResponse(asApiError(error) ?? internal(error, report));
    }
    metrics.count(isKnown ? pathname : "other", response.status);
    for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
    return response;
  };
}

/** @throws {ApiError} If whoever asks may not. Whether the server is well may be asked without a key. */
function requireAccess(request: Request, { apiKey, port }: ServeOptions, pathname: string): void {
  if (apiKey === undefined) {
    const refusal = refusalOf(request, LOCAL, port());
    if (refusal !== undefined) throw new ApiError(refusal.status, refusal.message);
    return;
  }
  if (pathname === "/health") return;
  const given = /^Bearer +(.*)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given !== undefined && isSame(given, apiKey)) return;
  const got = given === undefined ? "no key" : "another key";
  throw new ApiError(
    401,
    `Cannot answer: got ${got}, must be the server's. Send the header Authorization: Bearer KEY`,
    { code: "invalid_api_key", headers: { "www-authenticate": "Bearer" } },
  );
}

function health({ model, isStopping }: ServeOptions): Response {
  const { engine } = model.loaded;
  const status = engine.failure !== undefined ? "failed" : isStopping?.() ? "stopping" : "ok";
  const { running, waiting } = engine.counts;
  return Response.json({ status, running, waiting }, { status: status === "ok" ? 200 : 503 });
}

/** The whole answer, or a stream of it. @param over Called once when it is over. */
async function answerWith(
  answering: Answering,
  gone: AbortController,
  over: () => void,
  { report, unreadMs }: ServeOptions,
): Promise<Response> {
  if (!answering.stream) {
    try {
      return Response.json(await answering.whole());
    } finally {
      gone.abort();
      over();
    }
  }
  const events = async function* () {
    try {
      yield* answering.chunks();
    } finally {
      over();
    }
  };
  const body = eventStream(events(), { giveUp: () => gone.abort(), report, unreadMs });
  return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}
