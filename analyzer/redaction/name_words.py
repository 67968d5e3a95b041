"""Words that are no names, and names that are also words."""
# ruff: noqa: SIM905 - tables of words

from __future__ import annotations

#: Words that follow "it's" or "thanks" in capitals, or end a name in lower case, and name nobody.
NOT_NAMES = frozenset(
    """
    morning afternoon evening night monday tuesday wednesday thursday friday saturday sunday
    january february march april june july august september october november december
    english spanish french german british american visa mastercard amex paypal apple google
    amazon i i'm i'll i've i'd it it's the a an my your our his her their this that these
    those there here what when where why how who which and but or so if then because for
    from with at in on of to by as about into over under after before just only still also
    is are was were be been being am do does did have has had can could will would shall
    should may might must not no yes yeah yep ok okay sure right fine great good perfect
    lovely brilliant wonderful excellent thanks thank please sorry hello hi hey calling
    speaking here there going trying looking having getting very really quite too more most
    all any some one two three four five six seven eight nine ten first second account order
    number card phone email address name customer agent sir madam ma'am mate love dear
    everyone team support service absolutely certainly unfortunately actually let well now
    today tomorrow yesterday ltd limited inc company co bank plc you we they he she me us
    them him again back much so-called working waiting being been done ready happy afraid
    late old new time ask asking same different wrong correct spelt spelled spelling like
    bear give take could've got get go goodbye bye cheers welcome its that's thats it'll
    maybe perhaps both either neither every each another other others nobody somebody
    someone anyone everything nothing something anything mum mom dad understood noted
    checking can't don't won't isn't wasn't didn't couldn't wouldn't shouldn't i'd we're
    you're they're however though although while since until once wait hang hold listen look
    see oh ah um uh er erm hmm done whose under booked booking reservation called named
    written down says said changed been married maiden up on file uk us usa london
    """.split()
)
#: Names that are ordinary words too.
ORDINARY = frozenset(
    """
    will may mark rose grace hope joy faith dawn summer bill rich grant frank jack art drew
    chase pat rob sue ray gene power price reed brown green white black gray grey young long
    short king may page wood woods stone field fields banks bush rice bell best day love
    little baker cook carter mason hunter miller potter smith wall waters rivers park lane
    hill church cross case chance miles penny ruby amber ginger olive iris ivy daisy lily
    violet heather robin jay sandy christian dean earl duke prince major max van guy nick
    don lee mike dot pearl holly ash cliff glen dale ford west north english french dutch
    noble sharp swift wise sage good goodman man moon star stern strong sweet tidy walker
    weeks winter christmas friday june april august march sterling star pound cash case
    """.split()
)
