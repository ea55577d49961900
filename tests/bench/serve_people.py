"""What the bench of the server looks at pages with: connections as a browser has them, the panels that a page names."""

import collections
import concurrent.futures
import html
import http.client
import json
import queue
import re
import time

# To one host, over HTTP/1.1.
CONNECTIONS = 6

Answer = collections.namedtuple("Answer", "kind seconds status text problem")
Panel = collections.namedtuple("Panel", "id url is_late")
Look = collections.namedtuple("Look", "page last late answers")


def panels(text):
    """The panels of a page that can be fetched: their names, where, and whether the page came without what is in them."""
    found = []
    for tag in re.findall(r'<section class="panel[^>]*>', text):
        attribute = {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if "hx-get" in attribute:
            found.append(Panel(attribute["id"], attribute["hx-get"], attribute["hx-trigger"].startswith("load")))
    return found


class Browser:
    """Somebody with a page: a token, the page's address, and six connections that stay open."""

    def __init__(self, port, token, path):
        self.port, self.path = port, path
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "text/html", "HX-Request": "true", "Accept-Encoding": "gzip"}
        self.free = queue.LifoQueue()
        for _ in range(CONNECTIONS):
            self.free.put(self._connection())
        self.pool = concurrent.futures.ThreadPoolExecutor(CONNECTIONS)
        self.panels = []

    def _connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def close(self):
        self.pool.shutdown()
        while not self.free.empty():
            self.free.get().close()

    def request(self, kind, path, method="GET", body=None, headers=None):
        """One request, from its first byte to the last one of its answer."""
        connection = self.free.get()
        began = time.monotonic()
        try:
            for attempt in (1, 2):
                try:
                    connection.request(method, path, body=body, headers={**self.headers, **(headers or {})})
                    response = connection.getresponse()
                    text = response.read().decode()
                    break
                except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                    # An idle connection may be closed by the other end; a browser opens another one, once.
                    connection.close()
                    if attempt == 2:
                        raise
            seconds = time.monotonic() - began
            return Answer(kind, seconds, response.status, text, None)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return Answer(kind, time.monotonic() - began, 0, "", f"{type(error).__name__}: {error}")
        finally:
            self.free.put(connection)

    def fetch(self, panel):
        answer = self.request(panel.id, panel.url)
        if not answer.problem and f'id="{panel.id}"' not in answer.text:
            answer = answer._replace(problem="the panel is not in the answer")
        return judged(answer)

    def all(self, chosen):
        return list(self.pool.map(self.fetch, chosen))

    def look(self):
        """Opens the page, and what comes after it: its panels that were not there in time."""
        began = time.monotonic()
        page = judged(self.request("page", self.path), is_page=True)
        paged = time.monotonic() - began
        self.panels = panels(page.text)
        if not page.problem and not self.panels:
            page = page._replace(problem="the page has no panels")
        late = [panel for panel in self.panels if panel.is_late]
        answers = self.all(late)
        return Look(paged, time.monotonic() - began, [panel.id for panel in late], [page, *answers])

    def refresh(self):
        """Fetches every panel again, as the page does by itself: seconds to the last one, and the answers."""
        began = time.monotonic()
        answers = self.all(self.panels)
        return time.monotonic() - began, answers

    def sql(self, statement):
        """The rows of a statement, by the API."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        answer = judged(self.request("sql", "/api/sql", "POST", json.dumps({"sql": statement}), headers))
        return answer, [] if answer.problem else json.loads(answer.text)["rows"]


def judged(answer, is_page=False):
    """An answer with what is wrong with it."""
    problem = answer.problem
    if not problem and answer.status != 200:
        problem = f"status {answer.status}: {answer.text[:200]}"
    if not problem and 'class="trouble"' in answer.text:
        told = re.search(r'class="trouble".*?<b>(.*?)</b>', answer.text, re.S)
        problem = f"a panel says: {html.unescape(told.group(1)) if told else '?'}"
    if not problem and not is_page and 'class="skeleton"' in answer.text:
        problem = "a panel that was waited for has nothing in it"
    return answer._replace(problem=problem)
