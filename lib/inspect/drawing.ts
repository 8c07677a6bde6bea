import { type DotOptions, FONT_SIZES, toDot } from "./dot.js";
import type { NetSummary } from "./summary.js";

/**
 * Graphviz knows the widths of one font, and whoever looks at a picture may have another one: text is laid out this many times as large as it
 * is drawn, more than the widest of common fonts (Verdana, DejaVu Sans) is wider than Helvetica.
 */
const ROOM = 1.3;
const FONTS = "Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif";

/** A net of one or both phases as a picture in SVG, whose text fits its boxes in any common font. */
export async function drawSvg(nets: readonly NetSummary[], options: Omit<DotOptions, "scale"> = {}): Promise<string> {
  const { instance } = await import("@viz-js/viz");
  const svg = (await instance()).renderString(toDot(nets, { ...options, scale: ROOM }), { format: "svg" });
  const sizes = new Map(Object.values(FONT_SIZES).map((size) => [(size * ROOM).toFixed(2), size]));
  return svg.replace(/font-family="[^"]*"(\s+font-size="([\d.]+)")?/g, (_, whole?: string, size?: string) =>
    whole === undefined ? `font-family="${FONTS}"` : `font-family="${FONTS}" font-size="${sizes.get(size!) ?? size}"`,
  );
}
