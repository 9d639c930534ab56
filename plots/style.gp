# What all figures share: hues, frame, fonts, the reading of options. Each script sets `known`, the options it takes, and
# loads this file first; then `eval canvas(width, height)` once the size is known. The variables that arrive
# from outside are listed at the top of experiments/harness/figure.c.
#
# Hues: M. Okabe, K. Ito, Color Universal Design, 2008; each with a dash and a marker of its own, so that grey print and
# colour-blind readers lose nothing. Tuned BCE keeps linetype 1 in every figure.

reset
set encoding utf8
set minussign
set datafile separator "\t"
set datafile commentschars ""   # the note at the top is skipped by number; a name may begin with #

mark = kind eq 'svg' ? 0.75 : 1   # SVG draws markers larger
set linetype 1 lc rgb "#0072B2" lw 1.6 dt 1 pt 7  ps 0.6*mark
set linetype 2 lc rgb "#D55E00" lw 1.6 dt 2 pt 5  ps 0.6*mark
set linetype 3 lc rgb "#009E73" lw 1.6 dt 4 pt 9  ps 0.7*mark
set linetype 4 lc rgb "#CC79A7" lw 1.6 dt 5 pt 13 ps 0.7*mark
set linetype 5 lc rgb "#E69F00" lw 1.6 dt 3 pt 11 ps 0.7*mark
set linetype 6 lc rgb "#56B4E9" lw 1.6 dt (8,3,2,3) pt 6 ps 0.6*mark
set linetype 7 lc rgb "#000000" lw 1.6 dt 1 pt 4  ps 0.6*mark
set linetype cycle 7
hues = 7

ink_grey = 0x333333
set border 3 lw 0.8 lc rgb ink_grey
set tics nomirror out scale 0.6 tc rgb ink_grey
set grid ytics back lt 1 lw 0.6 lc rgb "#DDDDDD" dt 1
set key reverse Left samplen 3.4 noautotitle tc rgb ink_grey

# Options are text; these read them. `required` stops with a sentence.
has(name) = exists('option_'.name)
string(name, default) = has(name) ? value('option_'.name) : default
number(name, default) = has(name) ? real(value('option_'.name)) : default
flag(name, default) = has(name) ? int(real(value('option_'.name))) : default

# What the title takes above the frame.
lines(s) = strstrt(s, "\n") ? 1 + lines(s[strstrt(s, "\n")+1:*]) : 1
title_height = has('title') ? 12 + 20*lines(option_title) : 0

# Names of tics are formats: a percent sign is doubled.
literal(s) = strstrt(s, '%') ? s[1:strstrt(s, '%')].'%'.literal(s[strstrt(s, '%')+1:*]) : s

do for [option in given] {
    if (strstrt(' '.known.' ', ' '.option.' ') == 0) {
        exit error sprintf("there is no option '%s'; this script takes: %s", option, known)
    }
}

# Text is drawn as it is written: no markup (noenhanced). SVG counts fonts in its own units, PNG in points: 13.3 of the
# ones are 10 of the others. `small` is the font of notes and numbers inside the frame.
small = kind eq 'svg' ? ',12' : ',9'
canvas(width, height) = (kind eq 'svg' \
    ? sprintf('set terminal svg size %d,%d font "DejaVu Sans,13.3" dynamic background "white" noenhanced', width, height) \
    : sprintf('set terminal pngcairo size %d,%d font "DejaVu Sans,10" fontscale 1.5 linewidth 1.5 dashlength 0.7 pointscale 1.6 background "white" noenhanced', \
              1.5*width, 1.5*height)).'; set output target'
