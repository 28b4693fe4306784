"""The report as JUnit XML: for the build servers that read it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from etagere.conformance.report.model import ClauseReport, Omission, Report, SubjectReport
from etagere.conformance.report.text import failed_clause
from etagere.pages import visible


def junit(report: Report) -> bytes:
    """Return a report as JUnit XML: a suite for each store, a case for each clause."""
    root = ET.Element("testsuites", name=f"etagere conformance {report.spec}")
    for subject in report.subjects:
        root.append(suite(report, subject))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def suite(report: Report, subject: SubjectReport) -> ET.Element:
    """Return the suite of one store."""
    whole = [each for each in subject.not_tested if not each.variants]
    element = ET.Element(
        "testsuite",
        name=subject.name,
        tests=str(len(subject.clauses) + len(whole)),
        failures=str(sum(bool(clause.failures) for clause in subject.clauses)),
        skipped=str(len(whole)),
        errors="0",
        time=f"{sum(clause.seconds for clause in subject.clauses):.3f}",
        timestamp=report.started.isoformat(timespec="seconds"),
    )
    properties = ET.SubElement(element, "properties")
    for name, value in (("seed", report.seed), ("server_version", subject.server_version)):
        ET.SubElement(properties, "property", name=name, value=str(value))
    element.extend(case(subject, clause) for clause in subject.clauses)
    element.extend(skipped(omission) for omission in whole)
    return element


def case(subject: SubjectReport, clause: ClauseReport) -> ET.Element:
    """Return the case of a clause that was tested."""
    element = ET.Element(
        "testcase",
        classname=f"etagere.{clause.level}",
        name=f"{clause.id} {clause.sentence}",
        time=f"{clause.seconds:.3f}",
    )
    if clause.failures:
        text = "\n".join(map(visible, failed_clause(subject, clause)))
        message = visible(clause.failures[0].message)
        ET.SubElement(element, "failure", message=message).text = text
    return element


def skipped(omission: Omission) -> ET.Element:
    """Return the case of a clause that was not tested."""
    element = ET.Element("testcase", classname="etagere", name=omission.clause)
    ET.SubElement(element, "skipped", message=omission.reason)
    return element
