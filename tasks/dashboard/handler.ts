// What the dashboard's server answers.
import { excerpt } from "../../lib/io/excerpt.ts";
import { reportContent, reportHtml } from "../../lib/report/report.ts";
import { describeError } from "../cli/errors.ts";
import { shellPath } from "../cli/shell_word.ts";
import { startedAs } from "../cli/started_as.ts";
import { PLOT_LIBRARY } from "../report/plot_library.ts";
import { type Access, LOCAL, type Refusal, refusalOf } from "./access.ts";
import { WatchedRuns } from "./watched_runs.ts";

/** Where the page asks for what is new. */
const CONTENT_PATH = "/content";

const METHODS = ["GET", "HEAD"];

const HEADERS = {
  "cache-control": "no-store",
  // No other page may show this one in itself, or use what it loads.
  "content-security-policy": "frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** For everything but pages: nothing in it may be shown or run. A page has a more exact policy of its own. */
const DATA_HEADERS = {
  ...HEADERS,
  "content-security-policy": `default-src 'none'; sandbox; ${HEADERS["content-security-policy"]}`,
};

/**
 * Answers with a page on some runs, and with what is new of them.
 * @param paths Directories of runs or sweeps.
 * @param port The one that is served on, once that is known.
 * @param access Who may see it. Default: this machine's own programs.
 */
export function dashboardHandler(
  paths: readonly string[],
  port: () => number,
  access: Access = LOCAL,
): (request: Request) => Promise<Response> {
  const runs = new WatchedRuns(paths);
  let lastFault = "";
  return async (request) => {
    try {
      const refusal = refusalOf(request, access, port()) ?? refusalOfPath(request);
      if (refusal) return text(refusal.status, refusal.message);
      return await answer(runs, adviceOf(paths, port(), access), access, new URL(request.url));
    } catch (error) {
      // Whoever runs the server gets all of it, once; whoever sent the request, only that it failed.
      const fault = describeError(error);
      if (fault !== lastFault) console.error(lastFault = fault);
      return text(500, "Cannot answer: internal error. See what the dashboard printed");
    }
  };
}

/** What a page says when it gets no answer. At the same port it continues, unless there is a new token. */
function adviceOf(paths: readonly string[], port: number, { hostname, token }: Access): string {
  const runs = paths.map((path) => `--run ${shellPath(path)}`).join(" ");
  const command = `${startedAs()} dashboard ${runs} --port ${port}`;
  return token === undefined
    ? `If the dashboard was stopped, start it again and this page continues: ${command}`
    : `If the dashboard was stopped, start it again and open the address that it prints: ${command} --host ${hostname}`;
}

/** What is wrong with what is asked for, if anything is. */
function refusalOfPath({ url, method }: Request): Refusal | undefined {
  if (!METHODS.includes(method)) {
    return { status: 405, message: `Cannot answer: got ${excerpt(method)}, must be ${METHODS.join(" or ")}` };
  }
  const { pathname } = new URL(url);
  if (pathname === "/" || pathname === CONTENT_PATH) return undefined;
  return { status: 404, message: `Cannot answer: got path ${excerpt(pathname)}, must be / or ${CONTENT_PATH}` };
}

async function answer(
  runs: WatchedRuns,
  advice: string,
  { token }: Access,
  { pathname, searchParams }: URL,
): Promise<Response> {
  const { version, reports, title } = await runs.poll();
  if (pathname === "/") {
    const url = token === undefined ? CONTENT_PATH : `${CONTENT_PATH}?${new URLSearchParams({ token })}`;
    const html = reportHtml(reports, PLOT_LIBRARY, { live: { url, version, advice }, title });
    return new Response(html, { headers: { ...HEADERS, "content-type": "text/html; charset=utf-8" } });
  }
  if (searchParams.get("seen") === version) return new Response(null, { status: 204, headers: DATA_HEADERS });
  return Response.json({ version, content: reportContent(reports, title) }, { headers: DATA_HEADERS });
}

function text(status: number, message: string): Response {
  return new Response(message, { status, headers: { ...DATA_HEADERS, "content-type": "text/plain; charset=utf-8" } });
}
