"""The code lists of RSX 7.7.7, by element name: what may be sent.

Each list is the union over the documents; `NOT_IN` names the few codes that one document lacks. A trading
partner accepts a subset. Meanings are in SPS Commerce's own guides.
"""

from __future__ import annotations

_LISTS = {
    "ASNStructureCode": """
        0000 0001 0004 SOTPI
    """,
    "AcknowledgementType": """
        AB AC AD AE AH AK AP NA RD RF RJ RO
    """,
    "ActionCode": """
        1 2 3
    """,
    "AddressTypeCode": """
        88 9C AG BE BK BO BOWN BT BY CB CN CQ CS CT DA DE DS DV ESIID FR FW IA MF N1 NES OB PATI PF
        PLCO POAR PODI POEN POOR PR PW RAMP RI RL RT SF SO ST TO TP TS VN WH Z7
    """,
    "AgencyQualifierCode": """
        13 AX BI DD FA FC NEMA ST SZAU VI
    """,
    "AllowChrgAgencyCode": """
        13 AX FA FC JAIA ST UNECE VI
    """,
    "AllowChrgCode": """
        A010 A060 A130 A170 A260 A320 A400 A470 A480 A485 A650 A720 A721 A880 A950 ASSL B000 B020
        B050 B090 B130 B190 B270 B280 B310 B320 B560 B570 B660 B720 B750 B770 B785 B800 B820 B840
        B870 B940 B950 BRDP C000 C030 C040 C080 C110 C190 C220 C260 C300 C310 C320 C350 C420 C460
        C490 C510 C530 C540 C550 C560 C660 C680 C850 C940 CA00 CLN CLRY COLC CONS COUR D080 D170
        D230 D240 D242 D250 D260 D270 D340 D500 D530 D540 D550 D560 D800 D870 D900 D920 D940 D980
        DAA E170 E210 E240 E280 E350 E380 E470 E620 E720 E730 E740 E770 E99 EDIP EXTM F110 F155 F170
        F180 F190 F280 F330 F340 F460 F580 F670 F680 F730 F760 F800 F970 FGPR FRYC G170 G210 G220
        G290 G330 G360 G400 G450 G470 G530 G580 G590 G610 G630 G660 G680 G740 G821 G830 G860 G870
        G890 G910 G960 GWRP H060 H070 H090 H110 H230 H270 H400 H420 H540 H550 H560 H806 H910 H920
        I060 I070 I100 I110 I131 I160 I170 I310 I410 I530 I570 I590 I610 IDCT IDL LAY LDG LTL MTC
        OVSZ PERN PSIS PWH RALM RCC RUOR SLEV SLIP SUIP TPRD UNDF UNL UNSZ
    """,
    "AllowChrgHandlingCode": """
        01 02 03 04 05 06 09 13 15
    """,
    "AllowChrgIndicator": """
        A C N
    """,
    "AllowChrgPercentQual PalletExchangeCode TaxPercentQual": """
        1 2 3 4 5 6 7
    """,
    "AllowChrgQtyUOM InvoiceQtyUOM OrderQtyUOM PackUOM QuantityUOM ShipQtyUOM TotalQtyUOM": """
        01 03 12 15 1N 2N 2P 2W 31 3F 3T 4E 4F 4G 50 5I 68 8C AA AD AF AM AS AV AY BA BB BC BD BF BG
        BI BJ BK BL BM BN BO BP BR BT BTU BU BX C3 C4 C8 CA CA1 CA2 CB CC CD CE CF CFM CG CH CI CL
        CM CN CP CQ CR CS CT CU CW CX CY DA DB DD DE DG DH DI DK DL DM DO DP DR DS DW DWT DZ E1 EA
        EP EV FA FF FO FT FYGD FZ GA GB GH GHZ GL GM GN GPM GR GS H1 H2 H3 H4 H6 HA HC HCF HD HF HK
        HL HR HS HU HV HY HZ I IM IN JA JO JR JU K6 KC KE KG KH KM KT KV KVA KVAH KW LB LF LG LI LK
        LM LN LO LR LS LT LU LY MB MC ME MG MHZ MJ MK ML MM MN MO MOA MP MR NG NS NX OP OZ P P3 P4
        P5 P6 P7 P8 P9 PA PC PD PER PF PH PK PL PO PP PR PSI PT PV PXL PY Q1 Q4 Q5 Q6 Q7 QD QS QT RA
        RE RL RM RO SC SF SH SI SJ SL SM SO SP SQ ST SV SY SZ T4 TB TC TCF TE TH TI TK TL TM TO TP
        TR TRM TS TU TY U2 U5 UN UZ VAR VC VI VO WA WD WG WK WR X8 Y4 YD YR ZC
    """,
    "CarrierTransMethodCode": """
        6 7 A AR B BP BU C DW E F GG H HH I K L LA LD LT M N O P R RC SB SD SE SF SR SS ST T TA TC
        TL TT VE VL W WP X
    """,
    "CashDiscount ShipCompleteCode YesOrNoResponse": """
        N Y
    """,
    "ChangeReasonCode": """
        AQ EV PS QO UP
    """,
    "ClassOfTradeCode": """
        DI MF RS SA WH
    """,
    "ContactQual": """
        AU CP EX FT HP NP WP X4
    """,
    "ContactTypeCode": """
        AL BD BI CH CR EX HM IC MRP OC RE SC SGN SR TIC
    """,
    "DateTimeQualifier": """
        001 002 006 007 010 011 012 013 015 016 017 018 019 020 035 036 037 038 043 050 057 060 063
        064 067 068 069 071 074 076 077 079 086 087 097 100 110 118 145 146 168 171 191 196 197 201
        209 220 291 328 369 370 371 372 405 510 511 598 603 619 636 807 809 815 945 995 AA1 AA2 AAH
        AAL ACT APD BBD CAD CSD DLO EDC FCS LCID MRB ORS OTD POS SOL TPD TRM
    """,
    "DimensionUOM": """
        5I BF BP C8 CC CF CI CM CR CY DM FT HF HL HS HY IN LF LM LY MM MR SF SI SM SY TI TL TM TR TS
        YD
    """,
    "EquipmentDescriptionCode": """
        20 2B 40 4B 5B AC AF BX CN CQ CV FT HC HV LU RO RR RT TA TL TN TV UL
    """,
    "FOBLocationQualifier": """
        AC CC DE FA K KL MI OR PE PL RG SP TL WH
    """,
    "FOBPayCode": """
        11 BP CA CC CD CF DE DF FO HP MX NC NR PA PB PC PD PE PL PO PP PS PU RC RF RS TP WC
    """,
    "FOBTitlePassageCode": """
        AC DE FA FF K KL MI OR PE PL RG SP TL UN WH
    """,
    "InvoiceTypeCode": """
        CR DR PRO SELF U5
    """,
    "ItemStatusCode": """
        AA AC AR BP CC DR IA IB IC ID IE IF IH IP IQ IR IS IW R1 R2 R3 R4 R7 ROS SP UM
    """,
    "JurisdictionQual": """
        CC MB SP
    """,
    "LeadTimeCode": """
        AE AY
    """,
    "LeadTimePeriodInterval": """
        DA DW HR MO WK
    """,
    "LocationCodeQualifier": """
        1 10 11 15 21 33 6 9 91 92 A1 BE D K TPL UL
    """,
    "NoteCode": """
        CCG GEN GFT MKG PCK PRN RTN SHP SPE TPA
    """,
    "OwnershipCode": """
        L N PO R S T
    """,
    "PackLevelType": """
        P T
    """,
    "PackQualifier": """
        CP IN OU
    """,
    "PackVolumeUOM VolumeUOM": """
        4G 5I BF C3 C8 CC CF CI CR CY DL FO GA GH K6 KC LT ML NG PT PV QT
    """,
    "PackWeightUOM WeightUOM": """
        01 50 AF CD CW DG GR HK KG LB LG MC ME MP NS OZ QS TO
    """,
    "PackingMaterial": """
        01 03 05 25 31 43 52 58 67 72 76 79 80 90 91 94 EPP UNDF
    """,
    "PackingMedium": """
        BAG BAL BBL BDL BIN BLC BLK BOT BOX BXI BXT CAN CAS CLM COL CRT CSK CTN DRM HRB JAR KEG KIT
        LIF LNR LSE PAL PCK PCS PLT PWI RBI RCK REL ROL RPL RTC SKD SLP SLV SPC SPL SRW TBE TNK TRY
        WRP
    """,
    "PartNumberQual": """
        AR B8 BO BPDN CB CID DIN DPN FU IS IT IZ MG MN N5 N532 N541 PC PLU RP SK SS SZ VA VC VE ZBP
        ZEAN ZGTIN ZISBN ZUPC ZVP
    """,
    "PaymentMethodCode": """
        42 AB AC C COD E ESC L T
    """,
    "PriceMultiplierQual": """
        CSD CSR DIS ILP PSP SEL
    """,
    "PriceTypeIDCode PurchasePriceType": """
        AAA AAB AAE BLP CAT CON D01 DIS ECP ELC EST FCP MSR PNP PRP QTE RPA RPC RPM RTL TIP TNP UCP
        VPC WHL
    """,
    "PrimaryPOTypeCode": """
        26 BH BK CF CN DS EO IM IN KC KN NP NS OS PR RE RL RO SA SD SP SS TS WH WO
    """,
    "ProductCharacteristicCode": """
        08 38 39 40 73 74 76 92 AE RE VI
    """,
    "PurchasePriceBasis UnitPriceBasis": """
        CA HF HP HT HTH PD PE PF PG PK PN PO PP PS PT TF TT UM
    """,
    "QtyLeftToReceiveStatus": """
        BO DI IC IS RI
    """,
    "QuantityQualifier": """
        01 02 12 14 20 27 29 32 33 57 70 77 78 AP APPX AQ B3 BB BQ GAV IQ OOR P70 P80 P90 PM POQ QA
        QAR QH QOH QPI QPK QV RET SZ UNA QLTR
    """,
    "QuantityTotalsQualifier": """
        LQT SQT
    """,
    "ReferenceQual": """
        02 06 12 19 2I 2P 5D AAK AGL AH AI AN AO AOAC AOCH ARE AUED AWB AY BAF BB BL BM BT BY CA CAN
        CB CI CN CRM CT CUDN D3 D5 DIP DJ DK DNN DO DRRN DRWN EELN EF ENGC ENGN ES EWC FL FR FW GC
        GD GK GP GRN GS GT HC IMEI INV IS IT JD KAN KW LF LO LT LV MB MC MK MR MS OA OB OC OD P4 PAN
        PD PHC PJ PK PKY PL PPGP PRSH PS PU Q1 Q1B QC RL ROL RSN RU SCHN SDR SDV SE SI SL SLI SRE
        SRS TAN TC TJ TN TPF TPP UELN URL USED V3 VF VN VT VV VWD VY WBN WH WLT WS WU XF YD CASN
        LGCL NBAN IA
    """,
    "RelationshipCode": """
        A D I O S
    """,
    "RiskOfLossCode": """
        BY FE IM IR LR PP SE SR
    """,
    "RoutingSequenceCode": """
        1 2 3 4 5 6 7 8 9 A B BO D DP DT H I JD JO M O R S V X
    """,
    "SaleOrService": """
        A B C D E F G H
    """,
    "SalesRequirementCode": """
        AB B BK C FT IS NS O P2 P3 P4 SC SP SS SW N Y
    """,
    "SealStatusCode TermsDueDateQual": """
        01 02 03 04
    """,
    "ServiceLevelCode": """
        3D AM CG CX DC DS ES ET FC G2 IDL IE IS IX LM LT ME ND NF NH NM NXD ON PA PB PC PI PM PN PO
        PR PS PT PX RE SA SC SD SE SG SH SI SM
    """,
    "StatusCode": """
        BK CL CM CS PR
    """,
    "TaxExemptCode": """
        0 1 2 3
    """,
    "TaxHandlingCode": """
        01 02 03 04 05 06 13 15
    """,
    "TaxTypeCode": """
        A AF ALDU AVT AX BB BE CA CE CG CP CS CV EV FD FT GR GS H H215 H535 H625 H640 H650 H670 H720
        H760 H780 HZ I431 L LO LS LT PG PS QST S SBSD SE SL SP SQ ST SU SUIP TX UNDF VA Z
    """,
    "TermsBasisDateCode": """
        09 1 15 2 3 4 5 6 7 8
    """,
    "TermsTimeRelationCode": """
        1 10 6 7 8 9
    """,
    "TermsType": """
        01 02 03 04 05 06 07 08 09 10 11 12 14 18 22 23 24 CO NC PP
    """,
    "TransitDirectionCode": """
        BS SB SC SD SF SS
    """,
    "TransportationTermsType": """
        01 02 03
    """,
    "TsetPurposeCode": """
        00 01 05 06 07 20 CN 04
    """,
    "WeightQualifier": """
        B EN F G L N P T
    """,
}

CODES: dict[str, frozenset[str]] = {
    element: frozenset(codes.split()) for elements, codes in _LISTS.items() for element in elements.split()
}

NOT_IN: dict[str, dict[str, frozenset[str]]] = {
    "Invoice": {
        "ReferenceQual": frozenset({"CASN", "IA", "LGCL", "NBAN"}),
        "TsetPurposeCode": frozenset({"04"}),
        "QuantityQualifier": frozenset({"QLTR"}),
    },
    "OrderAck": {
        "AcknowledgementType": frozenset({"AB", "NA"}),
        "ReferenceQual": frozenset({"CASN", "IA", "LGCL", "NBAN"}),
        "QuantityQualifier": frozenset({"QLTR"}),
    },
    "Shipment": {
        "ReferenceQual": frozenset({"CASN", "IA", "LGCL", "NBAN", "SI"}),
        "TsetPurposeCode": frozenset({"04"}),
    },
}


def allowed(document: str, element: str, code: str) -> bool:
    """Whether `document` ("Invoice", "OrderAck") may carry `code` in `element`; True where no list exists."""
    codes = CODES.get(element)
    if codes is None:
        return True
    return code in codes and code not in NOT_IN.get(document, {}).get(element, frozenset())
