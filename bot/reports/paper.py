"""A Word file in the form of Chinese official papers (GB/T 9704): page, type, numbering, charts.

Type: 标题 二号小标宋, 正文 三号仿宋, 一级标题 黑体, 二级标题 楷体; each run names its East Asian
face, without which Word takes another. Where 小标宋 is missing, Word is told to take 宋体.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.oxml import serialize_part_xml
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt

from bot.reports.measures import printable
from bot.reports.series import Graph

SONG_TITLE, FANGSONG, HEI, KAI, SONG = "方正小标宋简体", "仿宋", "黑体", "楷体", "宋体"
LATIN = "Times New Roman"
TITLE_SIZE, BODY_SIZE, NUMBER_SIZE, TABLE_SIZE = Pt(22), Pt(16), Pt(14), Pt(10.5)
_LINE = Pt(28.9)  # 22 lines on a page
_INSTEAD = {
    SONG_TITLE: "宋体,SimSun,STSong",
    FANGSONG: "仿宋_GB2312,FangSong,STFangsong",
    KAI: "楷体_GB2312,KaiTi,STKaiti",
    HEI: "SimHei,STHeiti",
}
_CHART = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Paper:
    """A paper that is being written from top to bottom."""

    def __init__(self, title: str, author: str) -> None:
        self._document: Any = Document()
        properties = self._document.core_properties
        properties.title, properties.author, properties.comments = title, author, ""
        properties.last_modified_by = author
        self._charts = 0
        _set_page(self._document)
        _set_normal(self._document)
        _name_substitutes(self._document)

    def title(self, text: str) -> None:
        paragraph = self._paragraph(WD_ALIGN_PARAGRAPH.CENTER, indent=False)
        paragraph.paragraph_format.space_after = Pt(20)
        paragraph.paragraph_format.line_spacing = Pt(36)
        _run(paragraph, text, SONG_TITLE, TITLE_SIZE)

    def addressee(self, text: str) -> None:
        _run(self._paragraph(indent=False), text, FANGSONG, BODY_SIZE)

    def heading(self, text: str) -> None:
        """一、…"""
        paragraph = self._paragraph()
        paragraph.paragraph_format.keep_with_next = True
        _run(paragraph, text, HEI, BODY_SIZE)

    def text(self, text: str, lead: str = "", *, together: bool = False) -> None:
        """A paragraph; ``lead`` is a heading within the line, （一）… in 楷体. ``together`` keeps
        it on the page of the next one."""
        paragraph = self._paragraph()
        paragraph.paragraph_format.keep_with_next = together
        if lead:
            _run(paragraph, lead, KAI, BODY_SIZE)
        _run(paragraph, text, FANGSONG, BODY_SIZE)

    def caption(self, text: str) -> None:
        paragraph = self._paragraph(WD_ALIGN_PARAGRAPH.CENTER, indent=False)
        paragraph.paragraph_format.keep_with_next = True
        _run(paragraph, text, HEI, Pt(12))

    def note(self, text: str) -> None:
        paragraph = self._paragraph(indent=False)
        paragraph.paragraph_format.line_spacing = Pt(18)
        paragraph.paragraph_format.space_after = Pt(8)
        _run(paragraph, text, FANGSONG, TABLE_SIZE)

    def signature(self, issuer: str, day: str) -> None:
        for text, gap in ((issuer, True), (day, False)):
            if text:
                paragraph = self._paragraph(WD_ALIGN_PARAGRAPH.RIGHT, indent=False)
                paragraph.paragraph_format.space_before = Pt(29) if gap else Pt(0)
                paragraph.paragraph_format.keep_with_next = gap
                paragraph.paragraph_format.right_indent = BODY_SIZE * 4
                _run(paragraph, text, FANGSONG, BODY_SIZE)

    def page(self) -> None:
        self._document.add_page_break()

    def across(self) -> None:
        """From here on pages lie across."""
        section = self._document.add_section()
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Mm(297), Mm(210)
        section.left_margin = section.right_margin = Mm(22)
        section.top_margin, section.bottom_margin = Mm(26), Mm(24)

    def table(self, head: list[str], rows: list[list[str]], widths: list[float]) -> None:
        """A ruled table, its head on every page; widths in millimetres; the first column is
        text, the others are centred unless wider than 40 mm."""
        table = self._document.add_table(rows=0, cols=len(head))
        table.style, table.alignment = "Table Grid", WD_TABLE_ALIGNMENT.CENTER
        table.autofit = False
        for number, texts in enumerate([head, *rows]):
            cells = table.add_row().cells
            for place, (cell, text, width) in enumerate(zip(cells, texts, widths, strict=True)):
                cell.width = Mm(width)
                paragraph = cell.paragraphs[0]
                left = number > 0 and (place == 0 or width > 40)
                align = WD_ALIGN_PARAGRAPH.LEFT if left else WD_ALIGN_PARAGRAPH.CENTER
                _tighten(paragraph, align)
                _run(paragraph, text, HEI if number == 0 else FANGSONG, TABLE_SIZE)
        for number, row in enumerate(table.rows):
            properties = row._tr.get_or_add_trPr()
            properties.append(OxmlElement("w:cantSplit"))
            if number == 0:
                properties.append(OxmlElement("w:tblHeader"))
        _rule(table, widths)

    def chart(self, graph: Graph, described: str) -> None:
        """A chart of Word's own, with its numbers in a sheet inside, so that it can be edited."""
        self._charts += 1
        part = _chart_part(self._document.part.package, graph, self._charts)
        relation = self._document.part.relate_to(part, RELATIONSHIP_TYPE.CHART)
        paragraph = self._paragraph(WD_ALIGN_PARAGRAPH.CENTER, indent=False)
        paragraph.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
        paragraph.add_run()._r.append(_drawing(relation, self._charts, described))

    def content(self) -> bytes:
        buffer = BytesIO()
        self._document.save(buffer)
        return buffer.getvalue()

    def _paragraph(self, align: Any = WD_ALIGN_PARAGRAPH.JUSTIFY, *, indent: bool = True) -> Any:
        paragraph = self._document.add_paragraph()
        paragraph.alignment = align
        if indent:
            ind = paragraph._p.get_or_add_pPr().get_or_add_ind()
            ind.set(qn("w:firstLineChars"), "200")
            ind.set(qn("w:firstLine"), "640")
        return paragraph


def _run(paragraph: Any, text: str, face: str, size: Any) -> Any:
    run = paragraph.add_run(printable(text))
    run.font.size, run.font.name = size, LATIN
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), face)
    return run


def _set_page(document: Any) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(25)
    document.settings.odd_and_even_pages_header_footer = True
    for footer, align in (
        (section.footer, WD_ALIGN_PARAGRAPH.RIGHT),
        (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT),
    ):
        paragraph = footer.paragraphs[0]
        paragraph.alignment = align
        side = "right" if align == WD_ALIGN_PARAGRAPH.RIGHT else "left"
        setattr(paragraph.paragraph_format, f"{side}_indent", NUMBER_SIZE)
        _run(paragraph, "— ", SONG, NUMBER_SIZE)
        for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
            _field(_run(paragraph, "", SONG, NUMBER_SIZE), kind, text)
        _run(paragraph, " —", SONG, NUMBER_SIZE)


def _field(run: Any, kind: str, text: str) -> None:
    element = OxmlElement("w:fldChar" if kind else "w:instrText")
    if kind:
        element.set(qn("w:fldCharType"), kind)
    element.text = text or None
    run._r.append(element)


def _set_normal(document: Any) -> None:
    style = document.styles["Normal"]
    style.font.name, style.font.size = LATIN, BODY_SIZE
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), FANGSONG)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "en-US")  # words and numbers are not broken as if Chinese
    language.set(qn("w:eastAsia"), "zh-CN")
    style.element.rPr.append(language)
    form = style.paragraph_format
    form.line_spacing, form.space_after, form.space_before = _LINE, Pt(0), Pt(0)


def _name_substitutes(document: Any) -> None:
    """Say in the table of fonts what to take where a face is not installed."""
    part = document.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
    table = parse_xml(part.blob)
    for face, others in _INSTEAD.items():
        font = parse_xml(
            f'<w:font {nsdecls("w")} w:name="{face}"><w:altName w:val="{others}"/>'
            '<w:charset w:val="86"/><w:family w:val="auto"/><w:pitch w:val="variable"/></w:font>'
        )
        table.append(font)
    part._blob = serialize_part_xml(table)


def _tighten(paragraph: Any, align: Any) -> None:
    paragraph.alignment = align
    form = paragraph.paragraph_format
    form.line_spacing, form.space_before, form.space_after = Pt(15), Pt(2), Pt(2)


def _rule(table: Any, widths: list[float]) -> None:
    """Column widths that Word and others agree on."""
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)


def _chart_part(package: Any, graph: Graph, number: int) -> Part:
    from bot.reports.charts import alone

    drawn, numbers = alone(graph)
    inside = Part(PackURI(f"/word/embeddings/chart{number}.xlsx"), _SHEET, numbers, package)
    part = Part(PackURI(f"/word/charts/chart{number}.xml"), _CHART, b"", package)
    relation = part.relate_to(inside, RELATIONSHIP_TYPE.PACKAGE)
    space = parse_xml(drawn)
    space.remove(space.find(qn("c:printSettings")))
    space.append(
        parse_xml(
            f'<c:externalData {nsdecls("c", "r")} r:id="{relation}">'
            '<c:autoUpdate val="0"/></c:externalData>'
        )
    )
    part._blob = serialize_part_xml(space)
    return part


def _drawing(relation: str, number: int, described: str) -> Any:
    """A chart in the line, 156 mm by 80 mm."""
    element = parse_xml(
        f"<w:drawing {nsdecls('w', 'wp', 'a', 'c', 'r')}>"
        '<wp:inline distT="0" distB="0" distL="0" distR="0">'
        f'<wp:extent cx="{Mm(156)}" cy="{Mm(80)}"/>'
        f'<wp:docPr id="{number}" name="图{number}"/><wp:cNvGraphicFramePr/>'
        '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart">'
        f'<c:chart r:id="{relation}"/></a:graphicData></a:graphic></wp:inline></w:drawing>'
    )
    element.find(f".//{qn('wp:docPr')}").set("descr", described)
    return element
