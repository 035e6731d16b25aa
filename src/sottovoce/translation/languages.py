"""What models call a language: ISO 639-1 codes, which are ours, and the ISO 639-3 codes that checkpoints use."""

from __future__ import annotations

from collections.abc import Collection

from sottovoce.errors import TranslationError

_TABLE = """
aa=aar ab=abk ae=ave af=afr ak=aka,twi am=amh an=arg ar=arb,ara as=asm av=ava ay=ayr,aym az=azj,aze ba=bak be=bel
bg=bul bi=bis bm=bam bn=ben bo=bod br=bre bs=bos ca=cat ce=che ch=cha co=cos cr=cre cs=ces cu=chu cv=chv cy=cym
da=dan de=deu dv=div dz=dzo ee=ewe el=ell en=eng eo=epo es=spa et=est,ekk eu=eus fa=pes,fas ff=fuv,ful fi=fin fj=fij
fo=fao fr=fra fy=fry ga=gle gd=gla gl=glg gn=grn,gug gu=guj gv=glv ha=hau he=heb hi=hin ho=hmo hr=hrv ht=hat hu=hun
hy=hye hz=her ia=ina id=ind ie=ile ig=ibo ii=iii ik=ipk io=ido is=isl it=ita iu=iku ja=jpn jv=jav ka=kat kg=kon,kng
ki=kik kj=kua kk=kaz kl=kal km=khm kn=kan ko=kor kr=knc,kau ks=kas ku=kmr,kur kv=kom,kpv kw=cor ky=kir la=lat lb=ltz
lg=lug li=lim ln=lin lo=lao lt=lit lu=lub lv=lvs,lav mg=plt,mlg mh=mah mi=mri mk=mkd ml=mal mn=khk,mon mr=mar
ms=zsm,msa,zlm mt=mlt my=mya na=nau nb=nob nd=nde ne=npi,nep ng=ndo nl=nld nn=nno no=nob,nor nr=nbl nv=nav ny=nya
oc=oci oj=oji om=gaz,orm or=ory,ori os=oss pa=pan pi=pli pl=pol ps=pbt,pus pt=por qu=quy,que rm=roh rn=run ro=ron
ru=rus rw=kin sa=san sc=srd sd=snd se=sme sg=sag si=sin sk=slk sl=slv sm=smo sn=sna so=som sq=als,sqi sr=srp ss=ssw
st=sot su=sun sv=swe sw=swh,swa ta=tam te=tel tg=tgk th=tha ti=tir tk=tuk tl=tgl tn=tsn to=ton tr=tur ts=tso tt=tat
tw=twi ty=tah ug=uig uk=ukr ur=urd uz=uzn,uzb ve=ven vi=vie vo=vol wa=wln wo=wol xh=xho yi=ydd,yid yo=yor za=zha
zh=cmn,zho zu=zul
"""

ISO_639_3 = {pair[:2]: tuple(pair[3:].split(",")) for pair in _TABLE.split()}
"""ISO 639-3 codes by ISO 639-1 code: its own first, then those of its group or of another standard."""

_SPOKEN_BY_M4T = (
    "ar bn ca cs cy da de en es et fa fi fr hi id it ja ko mt nl pl pt ro ru sk sv sw te th tl tr uk ur uz vi zh"
)
M4T = {code: ISO_639_3[code][0] for code in _SPOKEN_BY_M4T.split()}
"""The 36 languages that SeamlessM4T speaks, and its names for them."""

_SCRIPTS = {"ar": "Arab", "ks": "Arab", "kr": "Latn", "zh": "Hans"}
"""Which script is meant where NLLB writes one language in two."""

_WHISPER = {"jv": "jw", "nb": "no"}
"""Whisper's names that are not the usual ones."""


def check(language: str) -> None:
    """Raise a `TranslationError` where a code is not one of ISO 639-1."""
    if language not in ISO_639_3:
        raise TranslationError(f"'{language}' is no language: give its two letters (ISO 639-1), such as el for Greek")


def whisper_token(language: str) -> str:
    """Whisper's token of a language: `<|el|>`."""
    return f"<|{_WHISPER.get(language, language)}|>"


def text_token(language: str, vocabulary: Collection[str]) -> str | None:
    """The token of a language among those of a text translator, or None.

    NLLB writes `ell_Grek`, M2M-100 `__el__` and Marian, where it knows several languages, `>>ell<<`.
    """
    codes = ISO_639_3.get(language, ())
    script = _SCRIPTS.get(language, "")
    for token in (f"__{language}__", *(f">>{code}<<" for code in (*codes, language))):
        if token in vocabulary:
            return token
    of_nllb = [t for code in codes for t in vocabulary if t[:4] == f"{code}_" and t[4:].startswith(script)]
    return next((t for t in of_nllb if len(t) == 8 and t[4:].isalpha() and t[4:].istitle()), None)
