// What an editor shows, read off its elements. These run inside the page, so they use nothing from outside themselves.
// What must not live here: waiting, and what is expected.

/** Lines of an editor: `[{ line, text, hints }]`. */
export function linesShown(editor) {
  const numbers = new Map();
  for (const row of editor.querySelectorAll(".margin-view-overlays > div")) {
    const number = row.querySelector(".line-numbers");
    if (number) numbers.set(row.style.top, parseInt(number.textContent, 10));
  }
  const found = [];
  for (const row of editor.querySelectorAll(".view-lines > .view-line")) {
    const hints = [];
    let text = "";
    let open = false;
    for (const span of row.querySelectorAll(":scope > span > span")) {
      // An inlay hint has a generated class and no other mark.
      if (!/\bdyn-rule-/.test(span.className)) {
        text += span.textContent;
        open = false;
      } else if (!span.textContent.replace(/[\s\u00a0\u2000-\u200b]/g, "")) {
        open = false; // padding
      } else {
        if (open) hints[hints.length - 1] += span.textContent;
        else hints.push(span.textContent);
        open = true;
      }
    }
    found.push({ line: numbers.get(row.style.top), text, hints });
  }
  return found.sort((a, b) => a.line - b.line);
}

/** What extensions have painted: where, and how it looks. */
export function marksShown(marks) {
  /** Mixed colours compute to shares of one; told like all others. */
  const rgba = (colour) => {
    const [red, green, blue, alpha = 1] = (
      /^color\(srgb ([^)]*)\)/.exec(colour)?.[1] ?? ""
    )
      .split(/[ /]+/)
      .map(Number);
    const whole = [red, green, blue].map((share) => Math.round(share * 255));
    return blue === undefined ? colour : `rgba(${whole.join(", ")}, ${alpha})`;
  };
  return marks.map((mark) => {
    const style = getComputedStyle(mark);
    const box = mark.getBoundingClientRect();
    return {
      classes: mark.className,
      text: mark.textContent,
      background: rgba(style.backgroundColor),
      image: style.backgroundImage,
      border: style.border,
      underline: style.textDecoration,
      left: Math.round(box.left),
      top: Math.round(box.top),
      width: Math.round(box.width),
    };
  });
}
