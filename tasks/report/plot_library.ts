// The plotting library that report pages carry.
import script from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import style from "uplot/dist/uPlot.min.css" with { type: "text" };
import type { PlotLibrary } from "../../lib/report/report.ts";

export const PLOT_LIBRARY: PlotLibrary = { script, style };
