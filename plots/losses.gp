# A loss: its value on the left, its gradient on the right; one row of panels for each parameter or path.
#
# Columns: for each row of panels x, then two for each of its lines: the value, named "setting; case" or "setting", and
# the gradient. The name of an x column is the label of its axis. Written by experiments/harness/catalogue_sheet.c.
# Options (the first five are required; lists have a word for each row, or for each line of all rows):
#   title            the name of the loss
#   lines            rows: how many lines
#   hues             lines: 1 the defaults, 2.. other settings, 0 grey, for comparison
#   cases            lines: 1.. which case of the batch, told apart by dashes where there is more than one
#   slopes           rows, one a text line: the title of the gradient panel
#   formula          below the title
#   powers           rows: 1 for powers of 2 along x
#   rules            grey vertical lines, "ROW=X ROW=X"
#   goods, defects   ticks at the foot of the panels: scores that stand still

known = 'title lines hues cases slopes formula powers rules goods defects'
load scripts.'/style.gp'

do for [option in 'title lines hues cases slopes'] {
    if (!has(option)) { exit error sprintf("losses needs the option %s", option) }
}
panels = words(option_lines)
text_line(s, i) = i == 1 ? (strstrt(s, "\n") ? s[1:strstrt(s, "\n")-1] : s) : text_line(s[strstrt(s, "\n")+1:*], i-1)
number_at(list, i) = int(real(word(list, i)))
minimum(a, b) = a < b ? a : b
maximum(a, b) = a > b ? a : b

# Where things are: x_of[row], and for each line its first column; line i of a row is line first[row]+i-1 of all.
array x_of[panels]
array first[panels]
array count[panels]
array column_of[words(option_hues)]
column_now = 1
line_now = 1
do for [p=1:panels] {
    x_of[p] = column_now
    first[p] = line_now
    count[p] = number_at(option_lines, p)
    do for [i=0:count[p]-1] { column_of[line_now+i] = column_now + 1 + 2*i }
    column_now = column_now + 1 + 2*count[p]
    line_now = line_now + count[p]
}
if (column_now != columns + 1) { exit error "the option lines does not go with the columns" }
hue(l) = number_at(option_hues, l)
case(l) = number_at(option_cases, l)
name(l) = HEADER[column_of[l]]
setting(l) = strstrt(name(l), '; ') ? name(l)[1:strstrt(name(l), '; ')-1] : name(l)
case_name(l) = strstrt(name(l), '; ') ? name(l)[strstrt(name(l), '; ')+2:*] : ''

# Hues from 1; 0 is grey. One case: each hue has its dash. More: dashes are for the cases, hues have markers.
set linetype 8 lc rgb "#A8A8A8" lw 1.3 dt 1 pt 7 ps 0
line_type(h) = h == 0 ? 8 : h
many(p) = strlen(case_name(first[p])) > 0
dash(c) = c == 1 ? 'dt 1' : c == 2 ? 'dt (18,8)' : 'dt (4,8)'
style(p, l) = many(p) ? sprintf('linespoints lt %d %s pi 26', line_type(hue(l)), dash(case(l))) \
                      : sprintf('lines lt %d', line_type(hue(l)))

# The key is as wide as its longest entry.
widest = 6
do for [l=1:line_now-1] {
    widest = maximum(widest, maximum(strlen(setting(l)), strlen(case_name(l))))
}
formula_lines = has('formula') ? lines(option_formula) : 0
left = 48.; panel = 206.; between = 56.; key_gap = 8.; key_width = 64. + 6.8*widest
tall = 168.; below = 44.; above = 52. + 15*formula_lines; gap = 24.
width = left + panel + between + panel + key_gap + key_width
height = above + panels*(tall + below) + (panels - 1)*gap
eval canvas(width, height)

set multiplot
set label 1 string('title', '') at screen 8/width, screen 1 - 15/height left
if (has('formula')) { set label 2 option_formula at screen 8/width, screen 1 - 33/height left font small tc rgb ink_grey }
set grid noxtics ytics back lt 1 lw 0.6 lc rgb "#DDDDDD" dt 1
set xzeroaxis lt 1 lw 0.8 lc rgb "#999999" dt 1
set tics font small
set xlabel offset 0, 0.5 font small
set key off

# At most n steps of 1, 2 or 5.
decade(d) = 10.**floor(log10(d))
step(low, high, n) = (high - low)/n <= decade((high - low)/n)*1.0001 ? decade((high - low)/n) : \
                     (high - low)/n <= 2*decade((high - low)/n) ? 2*decade((high - low)/n) : \
                     (high - low)/n <= 5*decade((high - low)/n) ? 5*decade((high - low)/n) : 10*decade((high - low)/n)

do for [p=1:panels] {
    top = above + (p - 1)*(tall + below + gap)
    set tmargin at screen 1 - top/height
    set bmargin at screen 1 - (top + tall)/height
    set xlabel HEADER[x_of[p]]
    if (has('powers') && number_at(option_powers, p) == 1) {
        set logscale x 2
        set xtics autofreq
    } else {
        unset logscale x
        set xtics step(LOW[x_of[p]], HIGH[x_of[p]], 7.)
    }
    set xrange [LOW[x_of[p]]:HIGH[x_of[p]]]
    unset arrow
    if (has('rules')) {
        do for [rule in option_rules] {
            if (int(real(rule[1:strstrt(rule, '=')-1])) == p) {
                at = real(rule[strstrt(rule, '=')+1:*])
                set arrow from first at, graph 0 to first at, graph 1 nohead lw 1.2 lc rgb "#999999" dt (2,3) back
            }
        }
    }
    if (has('goods')) {
        do for [score in option_goods] { set arrow from first real(score), graph 0 rto graph 0, graph 0.035 nohead lw 1.2 dt 1 lc rgb "#777777" front }
    }
    if (has('goods') && p == 1) {
        set label 3 "ticks: the others;\nlong: defects" at screen 1 - (key_width - 12)/width, screen 1 - (top + tall - 12)/height left font small tc rgb ink_grey
    }
    if (has('defects')) {
        do for [score in option_defects] { set arrow from first real(score), graph 0 rto graph 0, graph 0.07 nohead lw 2 dt 1 lc rgb "#D55E00" front }
    }
    do for [side=0:1] {
        low = 0.; high = 0. # the range of the settings, with 0; the grey line is cut where it leaves it
        do for [i=first[p]:first[p]+count[p]-1] {
            if (hue(i) > 0) {
                low = minimum(low, LOW[column_of[i]+side])
                high = maximum(high, HIGH[column_of[i]+side])
            }
        }
        room = high > low ? 0.06*(high - low) : 1
        set yrange [low - (low < 0 ? room : 0.03*(high-low)):high + room]
        if (high > low) { set ytics step(low, high, 4.5) } else { set ytics autofreq }
        set lmargin at screen (left + side*(panel + between))/width
        set rmargin at screen (left + side*(panel + between) + panel)/width
        set title (side ? text_line(option_slopes, p) : 'value') font small offset 0, -0.7
        if (side == 1) {
            set key at screen (left + 2*panel + between + key_gap)/width, screen 1 - top/height left top Left reverse font small
        }
        # The grey line first, the defaults last, so that they lie on top.
        commands = ''
        do for [h in '0 5 4 3 2 1'] {
            do for [i=first[p]:first[p]+count[p]-1] {
                if (hue(i) == int(real(h))) {
                    commands = commands.sprintf('data skip skip_lines using %d:%d with %s, ', x_of[p], column_of[i]+side, style(p, i))
                }
            }
        }
        # The key: the settings in the order of the columns, grey last, then the cases.
        entries = ''
        do for [i=first[p]:first[p]+count[p]-1] {
            if (case(i) == 1) {
                entries = entries.sprintf("keyentry with %s title setting(%d), ", \
                                          many(p) ? sprintf('linespoints lt %d dt 1', line_type(hue(i))) : style(p, i), i)
            }
        }
        if (many(p)) {
            last = first[p] + count[p] - 1
            do for [c=1:case(last)] {
                entries = entries.sprintf("keyentry with lines lt 7 lc rgb '#555555' %s title case_name(%d), ", \
                                          dash(c), last - case(last) + c)
            }
        }
        eval 'plot '.commands.(side ? entries : '').' 1/0 notitle'
        set key off
        unset label 1; unset label 2; unset label 3
    }
}
unset multiplot
