"""A misspelt name is read as the one it misspells; a name that is spelt right never as another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dictionary import Kind
from mcp_servers.fhir.terminology import find
from mcp_servers.fhir.terminology.concepts import by_name
from mcp_servers.fhir.terminology.spelling import misspelt

# Names of drugs and diseases, of which the dictionary knows about half.
DRUGS = """
noradrenaline hydroxyzine hydralazine chlorpromazine chlorpropamide prednisolone prednisone vinblastine
vincristine quinine quinidine clomiphene clomipramine dobutamine dopamine ephedrine pseudoephedrine
sulfadiazine sulfasalazine tolazamide tolbutamide daunorubicin doxorubicin idarubicin epirubicin carboplatin
cisplatin oxaliplatin lamivudine lamotrigine nicardipine nifedipine nimodipine felodipine isradipine
rifampin rifaximin rifabutin cefotaxime ceftriaxone cefuroxime cefoxitin cefotetan ceftazidime cefazolin
cefixime cefepime levonorgestrel norgestrel fosphenytoin oxcarbazepine eszopiclone desvenlafaxine
esomeprazole levocetirizine dexlansoprazole desloratadine escitalopram levalbuterol apomorphine
hydromorphone oxymorphone morphine dihydrocodeine ketotifen ketorolac ketoprofen cyclophosphamide
cyclosporine ciclosporin penicillamine mercaptopurine acetazolamide acetohexamide chloroquine
hydroxychloroquine trazodone tramadol nefazodone buspirone bupropion buprenorphine bromocriptine brimonidine
bumetanide betamethasone dexamethasone beclomethasone mometasone fludrocortisone fluocinonide clonidine
clonazepam clozapine clobazam lorazepam temazepam oxazepam nitrazepam flurazepam midazolam alprazolam
triazolam estazolam methadone methyldopa methotrexate methimazole metolazone metoclopramide metronidazole
metoprolol misoprostol mifepristone propafenone propofol propylthiouracil propantheline protriptyline
nortriptyline amitriptyline imipramine desipramine doxepin doxazosin prazosin terazosin tamsulosin alfuzosin
silodosin fluoxetine fluvoxamine paroxetine duloxetine milnacipran atomoxetine reboxetine vortioxetine
valganciclovir ganciclovir acyclovir valacyclovir famciclovir penciclovir entecavir tenofovir adefovir
zidovudine stavudine didanosine emtricitabine rosiglitazone troglitazone sitagliptin saxagliptin linagliptin
alogliptin vildagliptin canagliflozin dapagliflozin empagliflozin ertugliflozin nateglinide repaglinide
glyburide glimepiride gliclazide glipizide exenatide liraglutide dulaglutide tirzepatide pramlintide
ramipril trandolapril perindopril moexipril fosinopril quinapril benazepril captopril enalapril valsartan
irbesartan telmisartan olmesartan azilsartan candesartan eprosartan bisoprolol nebivolol nadolol pindolol
timolol carvedilol labetalol sotalol esmolol acebutolol betaxolol digitoxin amiodarone dronedarone
dofetilide flecainide ibutilide mexiletine heparin dalteparin tinzaparin enoxaparin fondaparinux argatroban
dabigatran edoxaban rivaroxaban betrixaban ticlopidine clopidogrel cangrelor dipyridamole cilostazol
pentoxifylline pravastatin rosuvastatin lovastatin fluvastatin pitavastatin nystatin somatostatin
cerivastatin fenofibrate gemfibrozil ezetimibe colestipol colesevelam cholestyramine niacin azithromycin
erythromycin clarithromycin clindamycin lincomycin gentamicin tobramycin amikacin streptomycin neomycin
vancomycin teicoplanin daptomycin ofloxacin levofloxacin moxifloxacin norfloxacin gatifloxacin doxycycline
minocycline tetracycline tigecycline oxytetracycline ampicillin amoxicillin oxacillin nafcillin
dicloxacillin cloxacillin flucloxacillin piperacillin ticarcillin imipenem meropenem ertapenem doripenem
aztreonam fluconazole itraconazole ketoconazole voriconazole posaconazole miconazole clotrimazole
albendazole mebendazole praziquantel ivermectin permethrin codeine hydrocodone oxycodone fentanyl sufentanil
remifentanil alfentanil meperidine tapentadol naloxone naltrexone nalbuphine butorphanol pentazocine
levothyroxine liothyronine thyroxine calcitriol calcitonin calcipotriol alendronate risedronate ibandronate
zoledronate raloxifene tamoxifen toremifene anastrozole letrozole exemestane
"""
DISEASES = """
hypotension hypertension hypokalemia hyperkalemia hypocalcemia hypercalcemia hypoglycemia hyperglycemia
hyponatremia hypernatremia hypothyroidism hyperthyroidism hypoparathyroidism hyperparathyroidism
hypomagnesemia hypermagnesemia hypophosphatemia hyperphosphatemia hypouricemia hyperuricemia hypolipidemia
hyperlipidemia hypothermia hyperthermia hypervolemia hypovolemia hyperopia myopia myositis mastitis
mastoiditis nephritis nephrosis neuritis arthritis arteritis phlebitis bronchitis bronchiolitis
bronchiectasis pancreatitis pancytopenia thrombocytopenia thrombocytosis leukopenia leukocytosis neutropenia
neutrophilia polycythemia lymphoma lymphedema lipoma melanoma myeloma meningioma glioma hepatitis hepatoma
hernia hydrocephalus hydronephrosis psoriasis cirrhosis scoliosis kyphosis lordosis uremia anemia ischemia
leukemia bulimia anorexia aphasia dysphasia dysphagia dyspepsia dystonia ataxia apraxia gastritis
gastroenteritis gastroparesis colitis cystitis cholecystitis choledocholithiasis cholelithiasis
nephrolithiasis urolithiasis sinusitis tonsillitis laryngitis pharyngitis esophagitis rhinitis retinitis
retinopathy neuropathy nephropathy myopathy cardiomyopathy encephalopathy encephalitis endocarditis
myocarditis pericarditis carditis diverticulosis diverticulitis osteoporosis osteopenia osteoarthritis
osteomyelitis osteomalacia preeclampsia eclampsia
"""

LONG_NAMES = sorted(name for name in by_name() if name.isascii() and name.isalpha() and len(name) > 7)


@pytest.mark.parametrize("kinds", [(), ("drug", "class"), ("condition",)])
def test_no_name_of_a_drug_or_disease_is_read_as_another(kinds: tuple[Kind, ...]) -> None:
    read = {name: find(name, kinds).note for name in (DRUGS + DISEASES).split() if name not in by_name()}
    assert len(read) > 120
    assert {name: note for name, note in read.items() if note} == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("amoxicilin", "amoxicillin"), ("amoxycillin", "amoxicillin"), ("ibuprophen", "ibuprofen"),
        ("metformine", "metformin"), ("metfromin", "metformin"), ("lisinoprl", "lisinopril"),
        ("hemoglobine", "Hemoglobin"), ("diabtes", "Diabetes mellitus"), ("hypertention", "Hypertension"),
        ("pnuemonia", "Pneumonia"), ("anxeity", "Anxiety"), ("atorvistatin", "atorvastatin"),
        ("hydroclorothiazide", "hydrochlorothiazide"),
        ("type 2 diabtes", "Type 2 diabetes"),
        ("high colesterol", "Hyperlipidemia"),
        # Two names come as near, or another drug nearly so; or the beginning says the contrary.
        ("prednislone", ""), ("diabets", ""), ("hypeglycemia", ""), ("hyportension", ""),
        ("portal hypertension", ""), ("laryngitis", ""), ("station", ""), ("protoeix", "pantoprazole"),
    ],
)  # fmt: skip
def test_a_misspelt_name_is_read_only_where_one_name_can_be_meant(text: str, name: str) -> None:
    read = [one.name for one in find(text).concepts]
    assert name in read if name else read == []


@given(st.sampled_from(LONG_NAMES), st.integers(1, 40), st.sampled_from("aeiourstlnmc"), st.booleans())
def test_one_slip_of_the_pen_leads_to_no_other_name(
    name: str, place: int, letter: str, replaced: bool
) -> None:
    at = 1 + place % (len(name) - 1)
    slip = name[:at] + letter + name[at + replaced :]
    meant = set(misspelt(slip, frozenset()))
    assert slip in by_name() or not meant or meant & set(by_name()[name])
