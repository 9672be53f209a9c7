"""The page in a real browser, without a display: numbers are read, the legend is clicked, phone and paper are tried."""

from __future__ import annotations

import base64
import re
import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
DRIVER = shutil.which('chromedriver') or shutil.which('/usr/lib/chromium-browser/chromedriver')
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
         '--window-size=1280,1000')
PATIENCE_S = 600
pytestmark = pytest.mark.timeout(PATIENCE_S)  # the drive is evaluated and a browser started before the first test
PLOT = "document.querySelectorAll('.js-plotly-plot')[0]"


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    if CHROMIUM is None or DRIVER is None:
        pytest.skip('no browser here: apt install chromium chromium-driver')
    webdriver = pytest.importorskip('selenium.webdriver', reason='selenium is not installed (scripts/test.sh installs it)')
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f'--user-data-dir={tmp_path_factory.mktemp("chromium")}'):
        options.add_argument(flag)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    try:
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    except Exception as error:  # a sandbox that forbids it, a computer too busy: nothing that the page could be blamed for
        pytest.skip(f'the browser does not start here: {" ".join(str(error).split())[:200]}')
    driver.command_executor.client_config.timeout = PATIENCE_S  # a busy computer is slow, not wrong
    driver.set_page_load_timeout(PATIENCE_S)
    driver.set_script_timeout(PATIENCE_S)
    yield driver
    driver.quit()


@pytest.fixture(scope='module')
def page(browser, evaluated):
    """At the width of a desk."""
    browser.get((evaluated.out / 'report.html').as_uri())
    return browser


def tiles(page) -> dict[str, str]:
    return {tile.find_element('tag name', 'span').text: tile.find_element('tag name', 'b').text.replace('\xa0', ' ')
            for tile in page.find_elements('css selector', '.tile')}


def test_the_numbers_are_those_of_the_summary(page, evaluated):
    summary, shown = evaluated.summary, tiles(page)
    assert page.find_element('tag name', 'h1').text == summary['verdict']
    assert shown['mIoU served'] == f'{summary["served"]["miou"]:.1f} %'
    assert shown['mIoU frozen'] == f'{summary["frozen"]["miou"]:.1f} %'
    assert shown['points gained, mean window'] == f'{summary["paired"]["gain"]:+.1f}'
    assert shown['points, worst window'] == f'{summary["paired"]["regret"]:+.1f}'
    assert shown['latency, 95 % of the masks'] == f'{summary["latency_ms"]["p95"]:.0f} ms'
    rows = [row.text for row in page.find_elements('css selector', 'details tr')]
    for name, value in summary['served']['iou'].items():
        assert any(row.startswith(f'{name} {value:.1f}') for row in rows), rows


def test_the_curves_hold_the_windows_of_the_lines(page, evaluated):
    curves = page.execute_script(f'return {PLOT}._fullData.map(t => [t.name, t.legendgroup, [...t.x], [...t.y]])')
    shift = next(curve for curve in curves if curve[0] == 'shift score')
    assert shift[2] == [line['Frame']['time_s'] for line in evaluated.lines]
    assert shift[3] == pytest.approx([line['Result']['shift_score'] for line in evaluated.lines])
    promoted = next(curve for curve in curves if curve[0] == 'promotion')
    assert promoted[2] == [line['Frame']['time_s'] for line in evaluated.lines
                           if any(event['kind'] == 'promotion' for event in line['Result']['events'])]


def test_nothing_lies_over_the_lines(page):
    """The page's own look of charts once hid the plots below white layers."""
    layers = page.execute_script("""return [...document.querySelectorAll('.plot')].flatMap(
        plot => [...plot.querySelectorAll('.main-svg')].slice(1)).map(layer => getComputedStyle(layer).backgroundColor)""")
    assert len(layers) > 3 and set(layers) == {'rgba(0, 0, 0, 0)'}


def test_a_click_on_the_legend_hides_a_line_and_another_shows_it(page):
    def visible() -> list:
        return page.execute_script(f"return {PLOT}._fullData.filter(t => t.name === 'frozen').map(t => t.visible)")

    def click() -> None:
        entries = page.find_elements('css selector', '.js-plotly-plot .legend .traces')
        entry = next(each for each in entries if each.text == 'frozen')
        toggle = entry.find_element('css selector', '.legendtoggle')
        page.execute_script("arguments[0].scrollIntoView({block: 'center'})", toggle)
        done = page.execute_async_script(f"""
            const [toggle, done] = arguments; let tries = 0;
            {PLOT}.once('plotly_restyle', () => done(true));
            for (const kind of ['mousedown', 'mouseup', 'click'])
              toggle.dispatchEvent(new MouseEvent(kind, {{bubbles: true, view: window}}));""", toggle)
        assert done
    assert visible() == [True]
    click()
    assert visible() == ['legendonly']
    click()
    assert visible() == [True]


def test_the_page_fetches_nothing_and_complains_of_nothing(page):
    fetched = page.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith(('file:', 'data:', 'blob:')) for name in fetched)
    assert [entry for entry in page.get_log('browser') if entry['level'] == 'SEVERE'] == []


def test_all_pictures_are_inside_and_the_video_is_beside(page, evaluated):
    sizes = page.execute_script("return [...document.images].map(i => [i.alt, i.naturalWidth])")
    assert sizes and all(width > 0 for _, width in sizes)
    assert [name for name, _ in sizes[:4]] == ['camera', 'label', 'frozen', 'served']
    video = page.find_element('tag name', 'video').get_attribute('src')
    assert video.endswith('/overlay.webm') and (evaluated.out / 'overlay.webm').stat().st_size > 1000


def test_on_a_phone_nothing_is_wider_than_the_screen(page):
    page.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
        'width': 390, 'height': 844, 'deviceScaleFactor': 1, 'mobile': True})
    try:
        page.execute_async_script("""const done = arguments[0], plots = [...document.querySelectorAll('.js-plotly-plot')];
            const look = () => plots.every(p => p.querySelector('.main-svg').clientWidth < 390) ? done()
                : requestAnimationFrame(look);
            look();""")
        assert page.execute_script('return [innerWidth, document.documentElement.scrollWidth]') == [390, 390]
        widths = page.execute_script("return [...document.querySelectorAll('.js-plotly-plot')].map(p => p.clientWidth)")
        assert widths and max(widths) < 390
    finally:
        page.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})


def test_on_paper_the_plots_fit_the_sheet(page):
    printed = base64.b64decode(page.execute_cdp_cmd('Page.printToPDF', {'printBackground': True})['data'])
    assert printed.startswith(b'%PDF') and len(re.findall(rb'/Type\s*/Page\b', printed)) > 1
