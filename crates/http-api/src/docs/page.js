'use strict';
// Shows /openapi.json and sends requests to the service that serves it. Everything from the description or from an
// answer goes in as text, never as markup. The token stays in this page's memory.

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
let api;

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function resolve(value) {
  const seen = new Set();
  while (value && value.$ref && !seen.has(value.$ref)) {
    seen.add(value.$ref);
    const { $ref, ...beside } = value;
    const found = $ref.slice(2).split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce((at, part) => (at === undefined ? at : at[part]), api);
    value = { ...found, ...beside };
  }
  return value || {};
}

// A value that the schema would take, to begin with.
function sample(schema, depth = 0) {
  schema = resolve(schema);
  if (schema.examples && schema.examples.length) return schema.examples[0];
  if ('example' in schema) return schema.example;
  if ('default' in schema) return schema.default;
  if ('const' in schema) return schema.const;
  if (schema.enum) return schema.enum[0];
  const choice = (schema.anyOf || schema.oneOf || []).find((one) => resolve(one).type !== 'null');
  if (choice) return sample(choice, depth);
  if (depth > 6) return null;
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => sample(part, depth + 1)));
  const type = Array.isArray(schema.type) ? schema.type.find((name) => name !== 'null') : schema.type;
  if (type === 'object' || schema.properties) {
    const required = schema.required || [];
    const members = Object.entries(schema.properties || {}).filter(([name]) => depth > 0 || required.includes(name));
    return Object.fromEntries(members.map(([name, member]) => [name, sample(member, depth + 1)]));
  }
  if (type === 'array') return schema.minItems ? [sample(schema.items, depth + 1)] : [];
  if (type === 'integer' || type === 'number') return schema.minimum || 1;
  if (type === 'boolean') return false;
  if (schema.format === 'uuid') return crypto.randomUUID ? crypto.randomUUID() : '00000000-0000-7000-8000-000000000000';
  if (schema.format === 'date-time') return new Date().toISOString();
  if (schema.format === 'date') return new Date().toISOString().slice(0, 10);
  return type === 'null' ? null : 'text';
}

function typeOf(schema) {
  const name = schema && schema.$ref ? schema.$ref.split('/').pop() : '';
  schema = resolve(schema);
  if (name) return name;
  const choices = schema.anyOf || schema.oneOf;
  if (choices) return choices.map(typeOf).join(' or ');
  const types = [].concat(schema.type || 'any');
  const text = types.map((type) => (type === 'array' ? `list of ${typeOf(schema.items)}` : type)).join(' or ');
  return schema.format ? `${text} (${schema.format})` : text;
}

function limitsOf(schema) {
  schema = resolve(schema);
  const named = { minimum: 'at least', maximum: 'at most', minLength: 'shortest', maxLength: 'longest', maxItems: 'at most', pattern: 'form' };
  const limits = Object.entries(named).filter(([key]) => key in schema).map(([key, word]) => `${word} ${schema[key]}`);
  if (schema.enum) limits.push(schema.enum.join(' | '));
  return limits.join(', ');
}

// A schema as an indented outline with its documentation.
function outline(schema, indent = '', seen = []) {
  const name = schema && schema.$ref;
  if (name && seen.includes(name)) return '';
  const path = name ? [...seen, name] : seen;
  schema = resolve(schema);
  const inside = (part, deeper) => outline(part, deeper, path);
  if (schema.items) return inside(schema.items, indent);
  const choice = (schema.anyOf || schema.oneOf || []).filter((one) => resolve(one).type !== 'null');
  if (choice.length) return choice.map((one) => inside(one, indent)).join('');
  const required = schema.required || [];
  return Object.entries(schema.properties || {}).map(([member, of]) => {
    const what = resolve(of);
    const head = `${indent}${member}${required.includes(member) ? '' : '?'}: ${typeOf(of)}`;
    const notes = [limitsOf(of), what.description].filter(Boolean).join('; ').replaceAll('\n', ' ');
    return `${head}${notes ? `  — ${notes}` : ''}\n${inside(of, `${indent}  `)}`;
  }).join('');
}

function parameterRow(parameter, inputs) {
  const schema = resolve(parameter.schema);
  const input = make('input', { placeholder: limitsOf(parameter.schema) || typeOf(parameter.schema) });
  inputs.push({ parameter, input });
  const required = parameter.required ? ' *' : '';
  const about = [parameter.description, schema.default === undefined ? '' : `Default: ${schema.default}.`].filter(Boolean);
  return make('tr', {},
    make('td', {}, make('code', {}, parameter.name + required), make('div', { className: 'soft' }, parameter.in)),
    make('td', {}, input),
    make('td', {}, about.join(' ')));
}

function request(path, method, inputs, body) {
  const query = new URLSearchParams();
  const headers = {};
  let url = path;
  for (const { parameter, input } of inputs) {
    const value = input.value.trim();
    if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value && parameter.in === 'query') query.append(parameter.name, value);
    else if (value && parameter.in === 'header') headers[parameter.name] = value;
  }
  const token = document.getElementById('token').value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (query.size) url += `?${query}`;
  return { url, options: { method: method.toUpperCase(), headers, body, cache: 'no-store' } };
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function asCurl({ url, options }) {
  const parts = ['curl -i', options.method === 'GET' ? '' : `-X ${options.method}`, quoted(location.origin + url)];
  for (const [name, value] of Object.entries(options.headers)) {
    // Shown on screens and pasted into chats: not the token itself.
    const shown = name === 'Authorization' ? '"Authorization: Bearer $TOKEN"' : quoted(`${name}: ${value}`);
    parts.push(`-H ${shown}`);
  }
  if (options.body !== undefined) parts.push(`-d ${quoted(options.body)}`);
  return parts.filter(Boolean).join(' ');
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

async function send(asked, output, stop) {
  output.replaceChildren(make('pre', {}, asCurl(asked)));
  const began = performance.now();
  let answer;
  try {
    answer = await fetch(asked.url, { ...asked.options, signal: stop.signal });
  } catch (error) {
    output.append(make('p', { className: 'bad' }, String(error)));
    return;
  }
  const took = Math.round(performance.now() - began);
  const line = make('strong', { className: answer.ok ? 'good' : 'bad' }, `${answer.status} ${answer.statusText}`);
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  const text = make('pre');
  output.append(make('div', { className: 'row' }, line, make('span', { className: 'soft' }, `${took} ms`)),
    make('pre', { className: 'soft' }, headers), text);
  try {
    if ((answer.headers.get('content-type') || '').startsWith('text/event-stream')) {
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        text.textContent = (text.textContent + part.value).slice(-50000);
      }
    } else {
      text.textContent = pretty(await answer.text());
    }
  } catch (error) {
    text.append(`\n${error}`);
  }
}

function answersTable(operation) {
  const rows = Object.entries(operation.responses).sort().map(([status, answer]) => {
    answer = resolve(answer);
    const content = Object.entries(answer.content || {});
    const shapes = content.filter(([type]) => !type.startsWith('application/problem'))
      .map(([, { schema }]) => outline(schema)).filter(Boolean);
    const headers = Object.keys(answer.headers || {}).filter((name) => name !== 'X-Request-Id');
    return make('tr', {},
      make('td', { className: status < '400' ? 'good' : 'bad' }, status),
      make('td', {}, make('p', {}, answer.description),
        headers.length ? make('p', { className: 'soft' }, `Headers: ${headers.join(', ')}`) : '',
        ...shapes.map((shape) => make('pre', {}, shape))));
  });
  return make('table', {}, ...rows);
}

function tryIt(path, method, operation) {
  const inputs = [];
  const box = make('div');
  const rows = (operation.parameters || []).map(resolve)
    .sort((a, b) => ['path', 'query', 'header'].indexOf(a.in) - ['path', 'query', 'header'].indexOf(b.in))
    .map((parameter) => parameterRow(parameter, inputs));
  if (rows.length) box.append(make('h3', {}, 'Parameters'), make('table', {}, ...rows));
  let area;
  if (operation.requestBody) {
    const media = resolve(operation.requestBody).content['application/json'];
    const first = 'example' in media ? media.example : sample(media.schema);
    area = make('textarea', { value: JSON.stringify(first, null, 2), spellcheck: false });
    box.append(make('h3', {}, 'Body'), make('pre', {}, outline(media.schema)), area);
  }
  const output = make('div');
  const button = make('button', { type: 'button' }, 'Send');
  const stopButton = make('button', { type: 'button', className: 'plain', hidden: true }, 'Stop');
  let stop;
  stopButton.addEventListener('click', () => stop.abort());
  button.addEventListener('click', async () => {
    stop = new AbortController();
    [button.disabled, stopButton.hidden] = [true, false];
    await send(request(path, method, inputs, area && area.value), output, stop);
    [button.disabled, stopButton.hidden] = [false, true];
  });
  box.append(make('div', { className: 'row' }, button, stopButton), output);
  return box;
}

function operationElement(path, method, operation) {
  const summary = make('summary', {},
    make('span', { className: `method ${method}` }, method.toUpperCase()),
    make('span', { className: 'path' }, path),
    make('span', { className: 'soft' }, operation.summary || ''));
  const element = make('details', { className: 'operation', id: operation.operationId }, summary);
  element.dataset.words = `${path} ${operation.operationId} ${operation.summary} ${operation.description}`.toLowerCase();
  // Built when opened: descriptions of many commands are long.
  element.addEventListener('toggle', () => {
    if (!element.open || element.children.length > 1) return;
    element.append(make('div', {}, make('p', {}, operation.description || ''),
      tryIt(path, method, operation), make('h3', {}, 'Answers'), answersTable(operation)));
  });
  return element;
}

function show() {
  document.title = api.info.title;
  document.getElementById('title').textContent = `${api.info.title} ${api.info.version}`;
  document.getElementById('description').textContent = api.info.description || '';
  const groups = new Map((api.tags || []).map((tag) => [tag.name, { tag, operations: [] }]));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const name = (item[method].tags || ['other'])[0];
      if (!groups.has(name)) groups.set(name, { tag: { name }, operations: [] });
      groups.get(name).operations.push(operationElement(path, method, item[method]));
    }
  }
  const sections = [...groups.values()].filter((group) => group.operations.length).map(({ tag, operations }) =>
    make('section', {}, make('h2', {}, tag.name), make('p', { className: 'soft' }, tag.description || ''), ...operations));
  document.getElementById('operations').replaceChildren(...sections);
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target) target.open = true;
}

function filter() {
  const words = document.getElementById('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll('#operations section')) {
    const operations = [...section.querySelectorAll('details.operation')];
    for (const one of operations) one.hidden = !words.every((word) => one.dataset.words.includes(word));
    section.hidden = operations.every((one) => one.hidden);
  }
}

// What the token claims, unverified, so that a person sees whose it is and whether it has run out.
function showClaims() {
  const token = document.getElementById('token').value.trim();
  let text = '';
  try {
    const claims = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
    const until = new Date(claims.exp * 1000);
    text = `${claims.sub} in ${claims.tenant}: ${claims.scope} — ${until < new Date() ? 'expired' : 'until'} ${until.toLocaleString()}`;
  } catch {
    text = token ? 'not a token' : '';
  }
  document.getElementById('claims').textContent = text;
}

document.getElementById('token').addEventListener('input', showClaims);
document.getElementById('filter').addEventListener('input', filter);
for (const form of document.forms) form.addEventListener('submit', (event) => event.preventDefault());
fetch('/openapi.json').then((answer) => answer.json()).then((description) => {
  api = description;
  show();
}).catch((error) => {
  document.getElementById('operations').replaceChildren(make('p', { className: 'bad' }, `Cannot read /openapi.json: ${error}`));
});
