import { describe, expect, it } from "vitest";
import { Html, html } from "./html";

describe("a template of HTML", () => {
  it("lets nothing out of its place", () => {
    const nasty = `<script>alert("1")</script>'&`;
    expect(html`<p title="${nasty}">${nasty}</p>`.text).not.toMatch(/<script|"1"|'|&(?!\w+;|#39;)/);
    expect(html`<b>${`"'<>&`}</b>`.text).toBe("<b>&quot;&#39;&lt;&gt;&amp;</b>");
  });

  it("shows characters that would move what stands beside them as what they are not", () => {
    expect(html`${"a\u202eb\u0000c\u200dd"}`.text).toBe("a\ufffdb\ufffdc\ufffdd");
  });

  it("takes HTML, lists and nothing", () => {
    const list = ["a", "<"].map((text) => html`<i>${text}</i>`);
    expect(html`${list}${undefined}${false}${0}${new Html("<br>")}`.text).toBe(
      "<i>a</i><i>&lt;</i>0<br>",
    );
  });
});
