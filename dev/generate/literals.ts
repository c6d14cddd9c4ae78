// What an expression of TypeScript can say, read from its source alone: constants, templates, conditions,
// and what functions of the same file return or are called with.

import ts from "typescript";

/** What is known only when it runs. */
export const unknown = "…";

/** The texts that it can be; `…` for what is known only when it runs. */
export function texts(expression: ts.Expression): string[] {
  if (ts.isStringLiteralLike(expression)) return [expression.text];
  if (ts.isTemplateExpression(expression)) return template(expression);
  if (ts.isConditionalExpression(expression)) {
    return [...texts(expression.whenTrue), ...texts(expression.whenFalse)];
  }
  const meant = meaningOf(expression).flatMap(texts);
  return meant.length > 0 ? meant : [unknown];
}

function template({ head, templateSpans }: ts.TemplateExpression): string[] {
  return templateSpans.reduce(
    (begun, { expression, literal }) => {
      const middles = ts.isIdentifier(expression) ? choice(texts(expression)) : [unknown];
      return begun.flatMap((start) => middles.map((middle) => start + middle + literal.text));
    },
    [head.text],
  );
}

/** Choices that are not known themselves are not worth telling apart. */
function choice(alternatives: string[]): string[] {
  const isVague = alternatives.length > 1 && alternatives.some((one) => one.includes(unknown));
  return isVague ? [unknown] : alternatives;
}

/** The members that it can have as an object; spread calls and conditions make several variants. */
export function variants(object: ts.Expression): Record<string, ts.Expression>[] {
  if (!ts.isObjectLiteralExpression(object)) return meaningOf(object).flatMap(variants);
  return object.properties.reduce<Record<string, ts.Expression>[]>(
    (begun, property) => {
      if (ts.isSpreadAssignment(property)) {
        const spread = meaningOf(property.expression).flatMap(variants);
        return begun.flatMap((one) => spread.map((more) => ({ ...one, ...more })));
      }
      const name = property.name?.getText() ?? "";
      const value = ts.isPropertyAssignment(property)
        ? property.initializer
        : ts.isShorthandPropertyAssignment(property)
          ? property.name
          : undefined;
      return value ? begun.map((one) => ({ ...one, [name]: value })) : begun;
    },
    [{}],
  );
}

/** What stands behind a name or a call, in the same file. */
function meaningOf(expression: ts.Expression): ts.Expression[] {
  if (ts.isCallExpression(expression) && ts.isIdentifier(expression.expression)) {
    const called = functionNamed(expression, expression.expression.text);
    return called?.body ? returned(called.body) : [];
  }
  if (!ts.isIdentifier(expression)) return [];
  for (let here: ts.Node = expression; here; here = here.parent) {
    const declared: readonly ts.Statement[] =
      ts.isBlock(here) || ts.isSourceFile(here) ? here.statements : [];
    const constant = declared
      .filter(ts.isVariableStatement)
      .flatMap(({ declarationList }) => [...declarationList.declarations])
      .find(({ name }) => name.getText() === expression.text);
    if (constant?.initializer) return [constant.initializer];
    if (ts.isFunctionDeclaration(here)) {
      const place = here.parameters.findIndex(({ name }) => name.getText() === expression.text);
      if (place >= 0) return callsOf(here).flatMap((call) => call.arguments[place] ?? []);
    }
  }
  return [];
}

function functionNamed(node: ts.Node, name: string): ts.FunctionDeclaration | undefined {
  return node
    .getSourceFile()
    .statements.filter(ts.isFunctionDeclaration)
    .find((one) => one.name?.text === name);
}

function returned(body: ts.Node): ts.Expression[] {
  return within(body, ts.isReturnStatement).flatMap(({ expression }) => expression ?? []);
}

/** The calls of a function in its file. */
export function callsOf({ name }: ts.FunctionDeclaration): ts.CallExpression[] {
  if (!name) return [];
  return within(name.getSourceFile(), ts.isCallExpression).filter(
    ({ expression }) => expression.getText() === name.text,
  );
}

function within<Kind extends ts.Node>(node: ts.Node, is: (node: ts.Node) => node is Kind): Kind[] {
  const found: Kind[] = is(node) ? [node] : [];
  ts.forEachChild(node, (child) => {
    found.push(...within(child, is));
  });
  return found;
}
