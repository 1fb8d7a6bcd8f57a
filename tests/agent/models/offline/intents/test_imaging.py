"""Questions about pictures."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import check_said, opened

AMARA, JOHN, NOOR, RENAE = "hard-amara-okafor", "john-wilson", "hard-noor-haddad", "renae-homenick"
ANSWERED, ABSENT = "answered", "not_in_chart"


@pytest.mark.anyio
async def test_pictures_are_found_by_modality_and_site_wherever_the_chart_records_them(
    data_dir: Path,
) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (JOHN, "any imaging?", ANSWERED, ["3 imaging studies"], []),
            (JOHN, "ct scan of the chest", ANSWERED, ["1 matching imaging study: CT Chest"], ["X-ray PA"]),
            (JOHN, "was a chest ct done?", ANSWERED, ["Yes, the last", "“No acute abnormal findings"], []),
            (JOHN, "how many x-rays?", ANSWERED, ["2 matching imaging studies"], ["CT Chest"]),
            (JOHN, "number of x-ray exams", ANSWERED, ["2 matching imaging studies"], ["CT Chest"]),
            (JOHN, "how many times has he had an x-ray?", ANSWERED, ["2 matching imaging studies"], []),
            (JOHN, "ct scan of the head", ABSENT, ["No head ct scan"], []),
            ("tammy-parker", "how long since the last ct scan", ANSWERED, ["Last: 46 days ago"], []),
            (JOHN, "imaging of the head", ABSENT, ["No imaging of the head is recorded"], []),
            (JOHN, "last brain mri", ABSENT, ["No brain mri is recorded among imaging"], []),
            (NOOR, "ankle x-ray", ANSWERED, ["but otherwise: XR Ankle", "No fracture"], []),
            (RENAE, "last imaging", ANSWERED, ["Last: Camera fundoscopy on 2026-07-11"], []),
            (
                JOHN,
                "CT of his thorax on file?",
                ANSWERED,
                ["1 matching imaging study: CT Chest"],
                ["X-ray PA"],
            ),
            (JOHN, "Is there a prior XR of the thorax?", ANSWERED, ["X-ray PA"], ["CT Chest on"]),
            (JOHN, "was his chest ever imaged by CT?", ANSWERED, ["Yes, the last: CT Chest"], []),
            (JOHN, "On which date did he last undergo CT?", ANSWERED, ["CT Chest"], []),
            (JOHN, "sonography kidneys last", ABSENT, ["No kidney sonography is recorded"], []),
            (JOHN, "last MR?", ABSENT, ["No mri is recorded"], []),
            (JOHN, "US of the kidney", ABSENT, ["No"], []),
            ("lee-watson", "when was his last sonogram?", ANSWERED, ["Ultrasound, Thoracic structure"], []),
            (AMARA, "any scans?", ABSENT, ["No imaging studies are recorded"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)
