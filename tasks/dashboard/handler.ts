// What the dashboard's server answers.
import { excerpt } from "../../lib/io/excerpt.ts";
import { reportContent, reportHtml } from "../../lib/report/report.ts";
import { describeError } from "../cli/errors.ts";
import { shellPath } from "../cli/shell_word.ts";
import { startedAs } from "../cli/started_as.ts";
import { PLOT_LIBRARY } from "../report/plot_library.ts";
import { WatchedRuns } from "./watched_runs.ts";

/** Where the page asks for what is new. */
const CONTENT_PATH = "/content";

/** Names that a browser on this machine may know the server by; others come from a page that was bent to point here. */
const HOSTS = ["127.0.0.1", "localhost"];

const METHODS = ["GET", "HEAD"];

const HEADERS = {
  "cache-control": "no-store",
  // No other page may show this one in itself, or use what it loads.
  "content-security-policy": "frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Of what is no page: nothing in it is to be shown or run. A page says itself what it may do, more exactly. */
const DATA_HEADERS = {
  ...HEADERS,
  "content-security-policy": `default-src 'none'; sandbox; ${HEADERS["content-security-policy"]}`,
};

/**
 * Answers with a page on some runs, and with what is new of them.
 * @param port The one that is served on, once that is known.
 */
export function dashboardHandler(
  directories: readonly string[],
  port: () => number,
): (request: Request) => Promise<Response> {
  const runs = new WatchedRuns(directories);
  let lastFault = "";
  return async (request) => {
    try {
      return refusal(request, port()) ?? await answer(runs, adviceOf(directories, port()), new URL(request.url));
    } catch (error) {
      // Whoever runs the server is told fully, and once; whoever asks it, that it is so.
      const fault = describeError(error);
      if (fault !== lastFault) console.error(lastFault = fault);
      return text(500, "Cannot answer: got an internal error, must be none. See what the dashboard printed");
    }
  };
}

/** What a page that gets no answer says: at the same port, it goes on by itself. */
function adviceOf(directories: readonly string[], port: number): string {
  const runs = directories.map((directory) => `--run ${shellPath(directory)}`).join(" ");
  return `If the dashboard was stopped, start it again, and this page goes on: ${startedAs()} dashboard ${runs} --port ${port}`;
}

/** The answer to a request that is not for this server, or not to read its page; nothing if it is. */
function refusal({ url, method, headers }: Request, port: number): Response | undefined {
  const known = HOSTS.map((host) => new URL(`http://${host}:${port}`).host);
  const mustBe = known.join(" or ");
  // An address in the request line may name another host than the header does.
  for (const named of [headers.get("host"), url]) {
    if (named === null) continue;
    const asked = URL.parse(named === url ? url : `http://${named}/`);
    if (asked === null) return text(400, `Cannot answer: got host ${excerpt(named)}, must be ${mustBe}`);
    if (!known.includes(asked.host)) {
      return text(403, `Cannot answer: got host ${excerpt(asked.host)}, must be ${mustBe}`);
    }
  }
  if (!METHODS.includes(method)) {
    return text(405, `Cannot answer: got ${excerpt(method)}, must be ${METHODS.join(" or ")}`);
  }
  const { pathname } = new URL(url);
  if (pathname === "/" || pathname === CONTENT_PATH) return undefined;
  return text(404, `Cannot answer: got path ${excerpt(pathname)}, must be / or ${CONTENT_PATH}`);
}

async function answer(runs: WatchedRuns, advice: string, { pathname, searchParams }: URL): Promise<Response> {
  const { version, reports } = await runs.poll();
  if (pathname === "/") {
    const live = { url: CONTENT_PATH, version, advice };
    const html = reportHtml(reports, PLOT_LIBRARY, { live });
    return new Response(html, { headers: { ...HEADERS, "content-type": "text/html; charset=utf-8" } });
  }
  if (searchParams.get("seen") === version) return new Response(null, { status: 204, headers: DATA_HEADERS });
  return Response.json({ version, content: reportContent(reports) }, { headers: DATA_HEADERS });
}

function text(status: number, message: string): Response {
  return new Response(message, { status, headers: { ...DATA_HEADERS, "content-type": "text/plain; charset=utf-8" } });
}
